/**
 * Units of work, as clients that do one of them at a time.
 *
 * Rule: a unit begins when the server waits and ends when it waits again, and each step of a handshake is a step of its own:
 * what one turn of the server's loop finds then depends on nobody's speed, and counts are the same each time.
 */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { type ConnectionOptions, connect as connectTls, type TLSSocket } from 'node:tls';
import type { CountSnapshot } from './count-table.ts';
import type { CountedServer } from './counted-server.ts';

export interface Unit {
  /** Does it once. Rejects when the server does something else. */
  run(): Promise<void>;
  /** Lets go of its connection. */
  close(): void;
}

/** The certificate is the server's own. All servers know the group, which is one of a few hundred bytes. */
const TLS: ConnectionOptions = { rejectUnauthorized: false, ecdhCurve: 'X25519' };

/** A request for `path` on a connection that stays open, and the whole of its answer. */
export async function request(server: CountedServer, path = '/', sealed = false): Promise<Unit> {
  const text = `GET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`;
  return exchange(server, await connected(server, sealed), Buffer.from(text), lengthOfAnswer);
}

/** A request for a file, on a connection that stays open. */
export const file = request;

/** A message of `bytes` bytes that comes back, on a connection that stays open. */
export async function message(server: CountedServer, bytes: number, sealed = false): Promise<Unit> {
  return exchange(server, await connected(server, sealed), Buffer.alloc(bytes, 'm'), () => bytes);
}

/** A connection that shakes hands in full, and ends on both sides. */
export function fullHandshake(server: CountedServer): Unit {
  return visit(server, () => undefined);
}

/** The same with a message in between that comes back: the ticket goes with the answer. */
export function answeredHandshake(server: CountedServer): Unit {
  return visit(server, () => undefined, Buffer.from('m'));
}

/** The same as the first with the session of an earlier one. */
export async function resumedHandshake(server: CountedServer): Promise<Unit> {
  const socket = await connected(server, true);
  const session = await sessionOf(socket);
  socket.destroy();
  await server.settled();
  return visit(server, () => session);
}

function exchange(
  server: CountedServer,
  socket: Socket,
  question: Buffer,
  lengthOf: (begin: Buffer) => number | undefined,
): Unit {
  return {
    async run() {
      const answered = receive(socket, lengthOf);
      socket.write(question);
      await answered;
      await server.settled();
    },
    close: () => void socket.destroy(),
  };
}

/** Resolves when as many bytes have come as `lengthOf` tells from the first of them. */
function receive(socket: Socket, lengthOf: (begin: Buffer) => number | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    let begin: Buffer | undefined;
    let wanted: number | undefined;
    let received = 0;
    const over = (end: () => void) => {
      socket.off('data', onData).off('close', onClose);
      end();
    };
    const onData = (chunk: Buffer) => {
      received += chunk.length;
      if (wanted === undefined) {
        begin = begin === undefined ? chunk : Buffer.concat([begin, chunk]);
        wanted = lengthOf(begin);
      }
      if (wanted !== undefined && received > wanted)
        over(() => reject(new Error(`${received} bytes came instead of ${wanted}`)));
      if (received === wanted) over(resolve);
    };
    const onClose = () => over(() => reject(new Error('the server has closed the connection')));
    socket.on('data', onData).on('close', onClose);
  });
}

/** Head and body of an answer with 200, in bytes. */
function lengthOfAnswer(begin: Buffer): number | undefined {
  const end = begin.indexOf('\r\n\r\n');
  if (end < 0) return undefined;
  const head = begin.toString('latin1', 0, end);
  const length = /^content-length: (\d+)$/im.exec(head)?.[1];
  if (!head.startsWith('HTTP/1.1 200 ') || length === undefined) throw new Error(`answered with ${head}`);
  return end + 4 + Number(length);
}

async function connected(server: CountedServer, sealed: boolean): Promise<Socket> {
  const socket = connect({ port: server.port, host: '127.0.0.1', noDelay: true });
  await once(socket, 'connect');
  if (!sealed) return socket;
  const session = connectTls({ ...TLS, socket });
  await once(session, 'secureConnect');
  return session;
}

/** The ticket comes with the first answer, or at the end of the handshake. */
async function sessionOf(socket: Socket): Promise<Buffer> {
  const told = once(socket, 'session') as Promise<[Buffer]>;
  socket.write('m');
  return (await told)[0];
}

function visit(server: CountedServer, session: () => Buffer | undefined, question?: Buffer): Unit {
  return {
    async run() {
      const before = server.counts();
      const more = (name: string, times: number) => (now: CountSnapshot) =>
        (now.calls[name] ?? 0) - (before.calls[name] ?? 0) >= times;
      const socket = connect({ port: server.port, host: '127.0.0.1', noDelay: true });
      await once(socket, 'connect');
      // It is accepted before it says anything, and its Finished is read before it says that it goes. Nothing tells a client
      // of either, but each is an edge.
      await server.settled(more('epoll_wait', 1));
      const taken = session();
      const options = taken === undefined ? TLS : { ...TLS, session: taken };
      const sealed: TLSSocket = connectTls({ ...options, socket });
      await once(sealed, 'secureConnect');
      if (sealed.isSessionReused() !== (taken !== undefined))
        throw new Error('the handshake was of the other kind');
      await server.settled(more('epoll_wait', 3));
      if (question !== undefined) {
        const answered = receive(sealed, () => question.length);
        sealed.write(question);
        await answered;
        await server.settled(more('epoll_wait', 4));
      }
      sealed.end();
      sealed.resume();
      await once(sealed, 'close');
      await server.settled(more('close', 1));
    },
    close: () => {},
  };
}
