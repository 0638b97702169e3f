/** Thousands who come to waste a server's time: nothing of them stays, and whoever is served meanwhile notices nothing. */
import { createHash } from 'node:crypto';
import type { Socket } from 'node:net';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Credentials, makeCertificate } from './support/certificate.ts';
import { type EchoServer, echoServer } from './support/echo-server.ts';
import { leave, nodeClient, readBytes } from './support/node-client.ts';
import { liveSessions, openDescriptors } from './support/process-state.ts';
import { allClosed, rawClients } from './support/raw-clients.ts';
import { recordedHello } from './support/recorded-hello.ts';

const FLOOD = 2_000;
const TRUNCATED =
  'truncated TlsError ERR_TLS_TRUNCATED The peer closed the connection before the handshake was complete.';
const RESET =
  'reset SystemError ECONNRESET SSL_do_handshake failed: ECONNRESET, Connection reset by peer. The peer broke the connection.';
/** What is no TLS, what is some and breaks its rules, and what might have become some when it ended. */
const GARBAGE = [
  /^error TlsError ERR_TLS_NOT_TLS The peer sent something that is not TLS \(.+\)\.$/,
  /^error TlsError ERR_TLS_PROTOCOL .+\.$/,
  new RegExp(`^${TRUNCATED}$`),
];

let credentials: Credentials;
let hello: Buffer;
let server: EchoServer;
beforeAll(async () => {
  credentials = await makeCertificate();
  hello = await recordedHello();
});

beforeEach(async () => {
  server = await echoServer(credentials);
});

/** The flood, beside a client that is served; what the server made of each (reason, class, code, message), with its count. */
async function flood(deed: (socket: Socket, index: number) => void, count = FLOOD) {
  const bystander = await nodeClient(server.port, { ca: credentials.cert });
  const before = { descriptors: openDescriptors(), sessions: liveSessions() };
  const misbehave = (socket: Socket, index: number) => {
    deed(socket, index);
    socket.resume();
  };
  // Each of them is refused in the end.
  const clients = await rawClients(server.port, count, misbehave, (n) => server.refused.reach(n));
  await allClosed(clients);
  expect({ descriptors: openDescriptors(), sessions: liveSessions() }).toEqual(before);
  expect(server.reactor.stats()).toMatchObject({
    connections: 1,
    accepted: count + 1,
    handshakesFailed: count,
  });
  bystander.write('still here');
  expect((await readBytes(bystander, 10)).toString()).toBe('still here');
  await leave(bystander);
  const told: Record<string, number> = {};
  for (const { error, reason } of server.refused.items) {
    const what = `${reason} ${error.constructor.name} ${(error as { code?: unknown }).code} ${error.message}`;
    told[what] = (told[what] ?? 0) + 1;
  }
  return told;
}

describe('2,000 clients leave nothing behind that', () => {
  it('connect and close at once', async () => {
    expect(await flood((socket) => socket.destroy())).toEqual({
      [TRUNCATED]: FLOOD,
    });
  });

  it('P32 connect and reset at once', async () => {
    expect(await flood((socket) => socket.resetAndDestroy())).toEqual({ [RESET]: FLOOD });
  });

  it('P32 reset amid their ClientHello, after each of its bytes', async () => {
    const deed = (socket: Socket, index: number) =>
      void socket.write(hello.subarray(0, 1 + (index % (hello.length - 1))), () => socket.resetAndDestroy());
    expect(await flood(deed)).toEqual({ [RESET]: FLOOD });
  });

  it('P32 reset when the answer to their ClientHello comes', async () => {
    const deed = (socket: Socket) => {
      socket.write(hello);
      socket.once('data', () => socket.resetAndDestroy());
    };
    expect(await flood(deed, 500)).toEqual({ [RESET]: 500 });
  });

  it('begin with garbage: every first byte there is, and others behind it', async () => {
    const deed = (socket: Socket, index: number) => {
      const digest = createHash('shake256', { outputLength: 1 + (index % 600) })
        .update(`${index}`)
        .digest();
      digest[0] = index % 256;
      socket.end(digest);
    };
    const told = await flood(deed);
    expect(Object.values(told).reduce((sum, count) => sum + count, 0)).toBe(FLOOD);
    expect(Object.keys(told).filter((what) => !GARBAGE.some((one) => one.test(what)))).toEqual([]);
  });
});
