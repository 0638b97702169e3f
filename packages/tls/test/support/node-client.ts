/** Node's own TLS client, as the tests use it. */
import { once } from 'node:events';
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls';
import { onTestFinished } from 'vitest';

/** Starts to connect to localhost; the socket is gone when the test is over. */
export function startNodeClient(port: number, options: ConnectionOptions): TLSSocket {
  const socket = connect({ host: '127.0.0.1', port, servername: 'localhost', ...options });
  onTestFinished(() => {
    socket.destroy();
  });
  return socket;
}

/** Connects and completes the handshake. */
export async function nodeClient(port: number, options: ConnectionOptions): Promise<TLSSocket> {
  const socket = startNodeClient(port, options);
  await once(socket, 'secureConnect');
  return socket;
}

/** Reads until `count` bytes are there, and then no more. More than that is an error, and so is an end before. */
export async function readBytes(socket: TLSSocket, count: number): Promise<Buffer> {
  // Its events have been and gone.
  if (socket.readableEnded || socket.destroyed) throw new Error('the peer ended before anything was read');
  const chunks: Buffer[] = [];
  let bytes = 0;
  return new Promise((resolve, reject) => {
    const settle = (error: Error | undefined) => {
      socket.pause().off('data', onData).off('end', onEnd).off('error', settle);
      if (error === undefined) resolve(Buffer.concat(chunks));
      else reject(error);
    };
    const onData = (chunk: Buffer) => {
      chunks.push(chunk);
      bytes += chunk.length;
      if (bytes > count) settle(new Error(`${bytes} bytes came where ${count} were expected`));
      else if (bytes === count) settle(undefined);
    };
    const onEnd = () => settle(new Error(`the peer ended after ${bytes} of ${count} bytes`));
    socket.on('data', onData).on('end', onEnd).on('error', settle).resume();
  });
}

/** Ends our side and waits until the connection is gone; rejects when it breaks instead. */
export async function leave(socket: TLSSocket): Promise<void> {
  const closed = once(socket, 'close');
  socket.resume().end();
  await closed;
}
