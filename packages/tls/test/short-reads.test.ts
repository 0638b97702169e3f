/**
 * Half a record and the FIN in one event: the edge of the end is spent before the end is read. A short read may stand for
 * "the socket ran dry" only where somebody asks once more.
 */
import { once } from 'node:events';
import { connect as connectTcp } from 'node:net';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { beforeAll, expect, test } from 'vitest';
import { type Credentials, makeCertificate } from './support/certificate.ts';
import { echoServer } from './support/echo-server.ts';
import { readBytes, startNodeClient } from './support/node-client.ts';
import { startRelay } from './support/relay.ts';

let credentials: Credentials;

beforeAll(async () => {
  credentials = await makeCertificate();
});

/** No deadline may come to the rescue. */
const PATIENT = { handshakeTimeoutMs: 600_000 };

/** The header of a handshake record of 512 bytes, and the first of them (RFC 8446 section 5.1). */
const HALF_A_HELLO = Buffer.from([22, 3, 1, 2, 0, 1, 0, 1, 252, 3, 3]);

test('P2 half a ClientHello and the FIN in one event: the handshake fails at once', async () => {
  const server = await echoServer(credentials, PATIENT);
  const socket = connectTcp(server.port, '127.0.0.1');
  await once(socket, 'connect');
  // Accepted and asleep, waiting for the hello.
  while (server.reactor.stats().accepted === 0) await nextTurn();
  socket.end(HALF_A_HELLO);
  socket.resume();
  expect(await server.refused.reach(1)).toMatchObject([
    { reason: 'truncated', error: { code: 'ERR_TLS_TRUNCATED' } },
  ]);
});

test.each(['TLSv1.2', 'TLSv1.3'] as const)(
  'P2 P26 half a record of data and the FIN in one event, %s: the cut is told at once',
  async (version) => {
    const server = await echoServer(credentials, PATIENT);
    let cut = false;
    const port = await startRelay(server.port, () => ({
      data(chunk, socket) {
        if (cut) socket.end(chunk.subarray(0, chunk.length >> 1));
        else socket.write(chunk);
      },
      end: () => {},
    }));
    const client = startNodeClient(port, { ca: credentials.cert, minVersion: version, maxVersion: version });
    client.on('error', () => {});
    client.write('whole');
    expect((await readBytes(client, 5)).toString()).toBe('whole');
    cut = true;
    client.write('this one does not arrive whole');
    expect(await server.closed.reach(1)).toMatchObject([
      { reason: 'truncated', cause: { code: 'ERR_TLS_TRUNCATED' } },
    ]);
  },
);
