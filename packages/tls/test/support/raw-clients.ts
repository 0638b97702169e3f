/** Many TCP clients that know nothing of TLS: what they do is theirs. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';

/** At a time: fewer than any backlog holds. */
const BATCH = 200;

/**
 * `count` clients of the server on `port`, each of which does `deed` when it is connected; gone when the test is over.
 * `accepted` resolves when the server has taken as many: a client may be connected long before, and who goes away while a
 * backlog overflows was never there.
 */
export async function rawClients(
  port: number,
  count: number,
  deed: (socket: Socket, index: number) => void,
  accepted: (count: number) => Promise<unknown> = () => Promise.resolve(),
): Promise<readonly Socket[]> {
  const sockets: Socket[] = [];
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
  });
  while (sockets.length < count) {
    const size = Math.min(BATCH, count - sockets.length);
    await Promise.all(
      Array.from({ length: size }, async () => {
        const socket = connect({ host: '127.0.0.1', port, noDelay: true }).on('error', () => {});
        const index = sockets.push(socket) - 1;
        await once(socket, 'connect');
        deed(socket, index);
      }),
    );
    await accepted(sockets.length);
  }
  return sockets;
}

/** Resolves when all of them are gone. */
export async function allClosed(sockets: readonly Socket[]): Promise<void> {
  await Promise.all(sockets.map((socket) => socket.closed || once(socket, 'close')));
}
