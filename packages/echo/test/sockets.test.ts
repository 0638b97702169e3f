/** Echo over real sockets, plain and TLS, to clients of Node's own and of ours. */
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect as connectPlain, type Socket } from 'node:net';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { connect as connectTls } from 'node:tls';
import {
  type Connection,
  createReactor,
  type Limits,
  type Protocol,
  type Reactor,
  type Server,
} from '@sluice/reactor';
import { tls, tlsClient } from '@sluice/tls';
import { selfSigned } from '@sluice-internal/certificates';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type EchoState, echo } from '../src/index.ts';

const MIB = 1024 * 1024;
const PIECE = 10_000;
const digest = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

let cert: string;
let key: string;
let reactor: Reactor;
let server: Server;
let errors: Error[];
let sockets: Socket[];
/** Of the server's side: those open now, what each was closed with, and the most that one queue held. */
let open: Set<Connection<EchoState>>;
let closings: string[];
let mostQueued: number;

beforeAll(async () => {
  ({ certificate: cert, key } = await selfSigned({
    name: 'localhost',
    dns: ['localhost'],
    ip: ['127.0.0.1'],
  }));
});

beforeEach(() => {
  errors = [];
  sockets = [];
  open = new Set();
  closings = [];
  mostQueued = 0;
});

afterEach(async () => {
  for (const socket of sockets) socket.destroy();
  await reactor.shutdown({ deadlineMs: 0 });
  expect(errors).toEqual([]);
});

/** The protocol under test, watched. */
function watched(): Protocol<EchoState> {
  const protocol = echo();
  return {
    ...protocol,
    onOpen(conn) {
      open.add(conn);
      return protocol.onOpen(conn);
    },
    onData(conn, chunk) {
      protocol.onData?.(conn, chunk);
      mostQueued = Math.max(mostQueued, conn.queuedBytes);
    },
    onClose(conn, reason) {
      open.delete(conn);
      closings.push(reason);
    },
  };
}

async function serve(isTls: boolean, limits: Partial<Limits> = {}): Promise<void> {
  reactor = createReactor({ limits, poisonReads: true, onError: (error) => errors.push(error) });
  const at = { host: '127.0.0.1', port: 0 };
  server = await reactor.listen(isTls ? { ...at, transport: tls({ cert, key }) } : at, watched());
}

const portOf = () => server.address()?.port ?? 0;

async function client(isTls: boolean): Promise<Socket> {
  const at = { host: '127.0.0.1', port: portOf(), allowHalfOpen: true };
  const socket = isTls ? connectTls({ ...at, ca: cert }) : connectPlain(at);
  sockets.push(socket);
  await once(socket, isTls ? 'secureConnect' : 'connect');
  return socket;
}

async function allOf(socket: Socket): Promise<Buffer> {
  const pieces: Buffer[] = [];
  for await (const piece of socket) pieces.push(piece as Buffer);
  return Buffer.concat(pieces);
}

const until = async (condition: () => boolean) => {
  while (!condition()) await nextTurn();
};

describe.each([
  ['plain TCP', false],
  ['TLS', true],
])('echo over %s', (_name, isTls) => {
  it('sends back pieces of every size, in order', async () => {
    await serve(isTls);
    const socket = await client(isTls);
    const sizes = [1, 2, 3, 255, 1460, 4096, 16_384, 16_385, 65_535, 65_536, 65_537, 1_000_000];
    const pieces = sizes.map((size) => randomBytes(size));
    for (const piece of pieces) socket.write(piece);
    socket.end();
    expect(digest(await allOf(socket))).toBe(digest(Buffer.concat(pieces)));
  });

  it('answers each piece before the next is sent', async () => {
    await serve(isTls);
    const socket = await client(isTls);
    for (let count = 0; count < 100; count += 1) {
      const said = `${count},`;
      socket.write(said);
      let heard = '';
      while (heard.length < said.length) heard += String((await once(socket, 'data'))[0]);
      expect(heard).toBe(said);
    }
  });

  it('P25 ends only when a peer that half-closes at once has everything back', async () => {
    await serve(isTls);
    const socket = await client(isTls);
    const sent = randomBytes(4 * MIB);
    socket.end(sent);
    expect(digest(await allOf(socket))).toBe(digest(sent));
    socket.destroy();
    await until(() => closings.length === 1);
    expect(closings).toEqual(['clean']);
  });

  it('ends at once with a peer that says nothing', async () => {
    await serve(isTls);
    const socket = await client(isTls);
    socket.end();
    expect(await allOf(socket)).toHaveLength(0);
    await until(() => closings.length === 1);
    expect(closings).toEqual(['clean']);
  });

  it('takes no more from a peer that does not read, and loses nothing of it', async () => {
    await serve(isTls, { highWaterMarkBytes: 64 * 1024, lowWaterMarkBytes: 16 * 1024 });
    const socket = await client(isTls);
    const sent = randomBytes(16 * MIB);
    socket.end(sent);
    await until(() => [...open].some((conn) => conn.readHalf === 'paused'));
    // What one call of the hook can add to a queue that is below its mark.
    expect(mostQueued).toBeLessThanOrEqual(2 * 64 * 1024);
    expect(digest(await allOf(socket))).toBe(digest(sent));
    expect(mostQueued).toBeLessThanOrEqual(2 * 64 * 1024);
  });

  it('gives each of fifty peers its own bytes', async () => {
    await serve(isTls);
    const results = await Promise.all(
      Array.from({ length: 50 }, async () => {
        const socket = await client(isTls);
        const sent = randomBytes(100_000);
        socket.end(sent);
        return digest(await allOf(socket)) === digest(sent);
      }),
    );
    expect(results).toEqual(Array(50).fill(true));
  });

  it('goes on for the others when one breaks off in the middle', async () => {
    await serve(isTls);
    const [broken, whole] = [await client(isTls), await client(isTls)];
    broken.on('error', () => {});
    broken.write(randomBytes(4 * MIB));
    await once(broken, 'data');
    const sent = randomBytes(MIB);
    const half = MIB / 2;
    whole.write(sent.subarray(0, half));
    await until(() => whole.readableLength > 0);
    broken.destroy();
    whole.end(sent.subarray(half));
    expect(digest(await allOf(whole))).toBe(digest(sent));
    await until(() => closings.length === 2);
    expect(closings.filter((reason) => reason === 'clean')).toHaveLength(1);
  });

  it('sends back what had arrived when its server closes', async () => {
    await serve(isTls);
    const socket = await client(isTls);
    const sent = randomBytes(50_000);
    await new Promise((resolve) => socket.write(sent, resolve));
    await until(() => [...open].some((conn) => conn.state.bytes === sent.length));
    const report = server.close();
    expect(digest(await allOf(socket))).toBe(digest(sent));
    socket.end();
    expect(await report).toEqual({ drained: 1, destroyed: 0 });
  });

  it('serves a connection of our own, both sides in one loop', async () => {
    await serve(isTls, { highWaterMarkBytes: 32 * 1024, lowWaterMarkBytes: 0 });
    const sent = randomBytes(4 * MIB);
    const { heard, reason } = await converse(isTls, sent);
    expect(reason).toBe('clean');
    expect(digest(heard)).toBe(digest(sent));
  });
});

/** A client of our own that sends everything, under backpressure, and then its end; resolves when it is closed. */
async function converse(isTls: boolean, sent: Buffer): Promise<{ heard: Buffer; reason: string }> {
  const heard: Buffer[] = [];
  let at = 0;
  const pump = (conn: Connection) => {
    for (let more = true; more && at < sent.length; at += PIECE)
      more = conn.write(sent.subarray(at, at + PIECE));
    if (at >= sent.length) conn.end();
  };
  const transport = isTls ? { transport: tlsClient({ servername: 'localhost', ca: cert }) } : {};
  const reason = await new Promise<string>((resolve, reject) => {
    reactor
      .connect(
        { host: '127.0.0.1', port: portOf(), ...transport },
        {
          onOpen: pump,
          onDrain: pump,
          onData: (_conn, chunk) => void heard.push(Buffer.from(chunk)),
          onClose: (_conn, why) => resolve(why),
        },
      )
      .catch(reject);
  });
  return { heard: Buffer.concat(heard), reason };
}
