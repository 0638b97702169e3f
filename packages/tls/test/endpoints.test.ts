/** TLS where the connection is not one TCP socket to one address: Unix sockets, races, signals. */

import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect as connectNode, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect as connectNodeTls } from 'node:tls';
import { tls, tlsClient } from '@sluice/tls';
import { beforeAll, expect, it, onTestFinished } from 'vitest';
import { type Credentials, makeCertificate } from './support/certificate.ts';
import { watchedEcho } from './support/echo-protocol.ts';
import { echoServer } from './support/echo-server.ts';
import { Party } from './support/party.ts';
import { liveSessions } from './support/process-state.ts';
import { testReactor } from './support/test-reactor.ts';

const CLEAN = { reason: 'clean', cause: undefined };

let credentials: Credentials;
beforeAll(async () => {
  credentials = await makeCertificate();
});

function freshPath(): string {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-tls-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return join(folder, 'sealed.sock');
}

it('runs over a Unix socket, where the name to verify is localhost unless said otherwise', async () => {
  const path = freshPath();
  const reactor = testReactor();
  const echo = watchedEcho();
  await reactor.listen({ path, transport: tls(credentials) }, echo.protocol);
  const transport = tlsClient({ ca: credentials.cert });
  const party = new Party();
  const conn = await reactor.connect({ path, transport }, party);
  expect(conn.tls).toMatchObject({ protocol: 'TLSv1.3' });
  const sent = Buffer.alloc(1_000_000, 'sealed and on a path');
  party.send(conn, sent);
  expect((await party.heard(sent.length)).equals(sent)).toBe(true);
  conn.end();
  expect(await echo.closed.reach(1)).toEqual([CLEAN]);
  await expect(reactor.connect({ path, transport, host: 'elsewhere.example' }, party)).rejects.toMatchObject({
    code: 'ERR_TLS_HOSTNAME',
  });
});

it('serves the TLS of Node over a Unix socket', async () => {
  const path = freshPath();
  const echo = watchedEcho();
  await testReactor().listen({ path, transport: tls(credentials) }, echo.protocol);
  const client = connectNodeTls({ socket: connectNode(path), servername: 'localhost', ca: credentials.cert });
  client.write('from node:tls');
  const [chunk] = (await once(client, 'data')) as [Buffer];
  expect(chunk.toString()).toBe('from node:tls');
  client.end();
  await once(client, 'close');
  expect(await echo.closed.reach(1)).toEqual([CLEAN]);
});

it('an abort in the middle of the handshake frees the session at once', async () => {
  // Accepts and stays silent.
  const silent = createServer().listen(0, '127.0.0.1');
  await once(silent, 'listening');
  const { port } = silent.address() as { port: number };
  const reactor = testReactor();
  const before = liveSessions();
  const controller = new AbortController();
  const transport = tlsClient({ ca: credentials.cert, servername: 'localhost' });
  const connecting = reactor.connect(
    { host: '127.0.0.1', port, transport, signal: controller.signal },
    new Party(),
  );
  const [peer] = (await once(silent, 'connection')) as [ReturnType<typeof connectNode>];
  await once(peer, 'data');
  expect(liveSessions()).toBe(before + 1);
  controller.abort(new Error('enough of this'));
  await expect(connecting).rejects.toThrow('enough of this');
  expect(liveSessions()).toBe(before);
  peer.destroy();
  silent.close();
  await once(silent, 'close');
});

it('no session is made before TCP is up', async () => {
  const { port, reactor } = await echoServer(credentials);
  const before = liveSessions();
  const transport = tlsClient({ ca: credentials.cert });
  const connecting = reactor.connect({ host: '127.0.0.1', port, transport, timeoutMs: 5_000 }, new Party());
  expect(liveSessions()).toBe(before);
  (await connecting).end();
});
