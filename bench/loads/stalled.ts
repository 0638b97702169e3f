/**
 * `stalled.ts HOST PORT COUNT POINT CERT KEY`: COUNT connections that stop at POINT of their handshake ({@link POINTS}). Says so
 * when all of them have; asked for anything it tells how many the server has left open.
 */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { connect as connectTls, type SecureVersion } from 'node:tls';
import { answer, fail, say } from './say.ts';

/** At a time, so that no backlog overflows. */
const BATCH = 100;
/** Of a client's second flight, about half: in the middle of its certificate. */
const HALF_A_FLIGHT_BYTES = 300;

const POINTS: Readonly<Record<string, (socket: Socket) => Promise<void>>> = {
  silent: async () => {},
  'half-hello': async (socket) => {
    const hello = await helloOf('TLSv1.3');
    await sent(socket, hello.subarray(0, hello.length / 2));
  },
  'hello-1.3': (socket) => answered(socket, 'TLSv1.3'),
  'hello-1.2': (socket) => answered(socket, 'TLSv1.2'),
  'half-certificate': halfCertificate,
};

const [host = '', port = '', count = '', point = '', cert = '', key = ''] = process.argv.slice(2);
const identity = { cert: readFileSync(cert), key: readFileSync(key) };
const hellos = new Map<SecureVersion, Promise<Buffer>>();
const sockets: Socket[] = [];

try {
  while (sockets.length < Number(count)) {
    const size = Math.min(BATCH, Number(count) - sockets.length);
    sockets.push(...(await Promise.all(Array.from({ length: size }, open))));
  }
  say({ stalled: sockets.length });
} catch (thrown) {
  fail(`connection ${sockets.length} of ${count}: ${(thrown as Error).message}`);
}

answer(() => say({ open: sockets.filter(({ destroyed }) => !destroyed).length }));

async function open(): Promise<Socket> {
  const stop = POINTS[point];
  if (stop === undefined) throw new Error(`no point is called "${point}"`);
  const socket = connect({ host, port: Number(port), noDelay: true });
  await once(socket, 'connect');
  await stop(socket.on('error', () => {}));
  return socket.resume();
}

function sent(socket: Socket, bytes: Uint8Array): Promise<void> {
  return new Promise((resolve) => void socket.write(bytes, () => resolve()));
}

/** The server has taken a whole ClientHello, and answered it. */
async function answered(socket: Socket, version: SecureVersion): Promise<void> {
  await sent(socket, await helloOf(version));
  await once(socket, 'data');
}

/** What Node's client says first; every connection may say the same. */
function helloOf(version: SecureVersion): Promise<Buffer> {
  const known = hellos.get(version);
  if (known !== undefined) return known;
  const hello = new Promise<Buffer>((resolve) => {
    const wire = new Duplex({ read: () => {}, write: (chunk: Buffer) => resolve(chunk) });
    connectTls({ socket: wire, minVersion: version, maxVersion: version }).on('error', () => {});
  });
  hellos.set(version, hello);
  return hello;
}

/** A real client, whose bytes stop in the middle of its certificate. */
function halfCertificate(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    let isHello = true;
    const wire = new Duplex({
      read: () => {},
      write(chunk: Buffer, _encoding, done) {
        if (isHello) void socket.write(chunk);
        else socket.write(chunk.subarray(0, HALF_A_FLIGHT_BYTES), () => resolve());
        // What comes behind that is never taken.
        if (isHello) done();
        isHello = false;
      },
    });
    socket.on('data', (chunk) => wire.push(chunk));
    connectTls({ socket: wire, ...identity, rejectUnauthorized: false, minVersion: 'TLSv1.3' }).on(
      'error',
      () => {},
    );
  });
}
