/** Node's own sockets before TLS: what is said in plain, and then TLS over the same socket. */
import { once } from 'node:events';
import { connect as connectTcp, type Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { type ConnectionOptions, connect as connectTls, type TLSSocket } from 'node:tls';
import { onTestFinished } from 'vitest';

/** A plain connection to localhost; it is gone when the test is over. */
export async function plainClient(port: number): Promise<Socket> {
  const socket = connectTcp({ host: '127.0.0.1', port, noDelay: true, allowHalfOpen: true });
  onTestFinished(() => {
    socket.destroy();
  });
  await once(socket, 'connect');
  return socket;
}

/** TLS over a socket that has talked plain so far. */
export function secure(socket: Duplex, options: ConnectionOptions): TLSSocket {
  return connectTls({ servername: 'localhost', ...options, socket: socket as Socket });
}

/**
 * What TLS is to be put on where a peer does not wait: `command` goes out together with the first `together` bytes of what
 * is written, and `answer` is taken off what comes.
 */
export function impatient(socket: Socket, command: string, answer: string, together = Infinity): Duplex {
  let greeting: string | undefined = command;
  let skip = answer.length;
  const duplex = new Duplex({
    read: () => {
      socket.resume();
    },
    write(chunk: Buffer, _encoding, done) {
      if (greeting === undefined) return void socket.write(chunk, done);
      const first = Buffer.concat([Buffer.from(greeting), chunk.subarray(0, together)]);
      greeting = undefined;
      const rest = chunk.subarray(together);
      socket.write(first, rest.length === 0 ? done : () => {});
      // A segment of its own, which comes when the first has been looked at: it is answered.
      if (rest.length > 0) socket.once('data', () => socket.write(rest, done));
    },
    final: (done) => void socket.end(done),
  });
  socket.on('data', (chunk: Buffer) => {
    const plain = Math.min(skip, chunk.length);
    skip -= plain;
    if (plain < chunk.length) duplex.push(chunk.subarray(plain));
  });
  socket.on('end', () => duplex.push(null)).on('error', (error) => duplex.destroy(error));
  return duplex;
}
