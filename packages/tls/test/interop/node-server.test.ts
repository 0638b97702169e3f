/** Our client and Node's own server. */
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createSecureContext, type TlsOptions } from 'node:tls';
import { type TlsClientOptions, tlsClient } from '@sluice/tls';
import { beforeAll, expect } from 'vitest';
import { ourClient } from '../support/endpoints.ts';
import { leave, readBytes } from '../support/node-client.ts';
import { nodeServer } from '../support/node-server.ts';
import { Party } from '../support/party.ts';
import { testReactor } from '../support/test-reactor.ts';
import { gaveUpWith } from './support/closings.ts';
import { BIG_BYTES } from './support/ends.ts';
import { interop, type Version } from './support/matrix.ts';
import { makePki, type Pki } from './support/pki.ts';

const CLEAN = { reason: 'clean', cause: undefined };

let pki: Pki;
beforeAll(async () => {
  pki = await makePki();
});

interop("Node's server", {
  async transfer(version) {
    const { party, conn, socket } = await connected(version);
    const [ours, theirs] = [randomBytes(BIG_BYTES), randomBytes(BIG_BYTES)];
    party.send(conn, ours);
    socket.write(theirs);
    const [atServer, atClient] = await Promise.all([readBytes(socket, BIG_BYTES), party.heard(BIG_BYTES)]);
    expect(atServer.equals(ours)).toBe(true);
    expect(atClient.equals(theirs)).toBe(true);
    conn.end();
    await leave(socket);
    expect(await party.closed.reach(1)).toEqual([CLEAN]);
  },

  async peerEndsFirst(version) {
    const { party, conn, socket } = await connected(version);
    // Node's server sends a bare FIN, no close_notify, when it is ended in the turn in which it was secured.
    conn.write('hello');
    expect((await readBytes(socket, 5)).toString()).toBe('hello');
    socket.end('greeting');
    await party.ended.reach(1);
    expect((await party.heard(8)).toString()).toBe('greeting');
    const answer = randomBytes(BIG_BYTES);
    party.send(conn, answer);
    expect((await readBytes(socket, answer.length)).equals(answer)).toBe(true);
    conn.end();
    await leave(socket);
    expect(await party.closed.reach(1)).toEqual([CLEAN]);
  },

  async weEndFirst(version) {
    const { party, conn, socket } = await connected(version);
    const ended = once(socket, 'end');
    conn.end('question');
    expect((await readBytes(socket, 8)).toString()).toBe('question');
    socket.resume();
    await ended;
    const answer = randomBytes(BIG_BYTES);
    socket.end(answer);
    expect((await party.heard(answer.length)).equals(answer)).toBe(true);
    expect(await party.closed.reach(1)).toEqual([CLEAN]);
  },

  async resumption(version) {
    const server = await nodeServer(served(version));
    const transport = tlsClient({ ca: pki.ca, servername: 'localhost' });
    const seen: unknown[] = [];
    for (let round = 0; round < 3; round += 1) {
      const party = new Party();
      const target = { host: '127.0.0.1', port: server.port, transport };
      const conn = await testReactor().connect(target, party);
      const socket = (await server.secured.reach(round + 1))[round]!;
      socket.write('hello');
      await party.heard(5);
      seen.push([conn.tls?.resumed, socket.isSessionReused()]);
      conn.end();
      await leave(socket);
      await party.closed.reach(1);
    }
    expect(seen).toEqual([
      [false, false],
      [true, true],
      [true, true],
    ]);
    expect(transport.sessionStats()).toMatchObject({ hits: 2, misses: 1 });
  },

  async clientCertificate(version) {
    const { socket } = await connected(version, { requestCert: true, ca: pki.ca }, pki.alice);
    expect(socket.authorized).toBe(true);
    expect(socket.getPeerCertificate().subject.CN).toBe('alice');
  },

  async alpn(version) {
    const { conn, socket } = await connected(
      version,
      { ALPNProtocols: ['mine'] },
      { alpn: ['other', 'mine'] },
    );
    expect([conn.tls?.alpn, socket.alpnProtocol]).toEqual(['mine', 'mine']);
  },

  async sni(version) {
    const SNICallback: TlsOptions['SNICallback'] = (name, done) =>
      done(null, createSecureContext(name === 'named.test' ? pki.named : pki.server));
    const { conn, socket } = await connected(version, { SNICallback }, { servername: 'named.test' });
    expect(conn.tls?.peerCertificate()?.subject).toBe('CN=named.test');
    expect(socket.servername).toBe('named.test');
  },

  async staple(version) {
    const server = await nodeServer(served(version));
    server.answerOcsp(pki.staple);
    const { conn } = await ourClient(server.port, { ca: pki.ca, requestOcsp: true });
    expect(conn.tls?.ocspStaple?.equals(pki.staple)).toBe(true);
  },

  async ourKeyUpdate(version) {
    const { party, conn, socket } = await connected(version);
    const [ours, theirs] = [randomBytes(BIG_BYTES), randomBytes(BIG_BYTES)];
    party.send(conn, ours);
    socket.write(theirs);
    await party.heard(1);
    expect(conn.queuedBytes).toBeGreaterThan(0);
    conn.tls?.updateKeys({ requestPeer: true });
    const [atServer, atClient] = await Promise.all([readBytes(socket, BIG_BYTES), party.heard(BIG_BYTES)]);
    expect(atServer.equals(ours)).toBe(true);
    expect(atClient.equals(theirs)).toBe(true);
    socket.write('answered');
    await party.heard(BIG_BYTES + 8);
    expect(conn.tls).toMatchObject({ keyUpdatesSent: 1, keyUpdatesReceived: 1 });
  },

  async renegotiation(version) {
    const { party, socket, server } = await connected(version);
    socket.renegotiate({}, () => {});
    // OpenSSL's server gives up when it is told that there is none; our client has said so and would go on.
    expect(await server.clientErrors.reach(1)).toMatchObject([{ code: 'ERR_SSL_NO_RENEGOTIATION' }]);
    expect(await party.closed.reach(1)).toEqual([gaveUpWith('handshake_failure')]);
    const { conn } = await ourClient(server.port, { ca: pki.ca });
    expect(conn.tls?.protocol).toBe(version);
  },
});

const served = (version: Version) => ({ ...pki.server, minVersion: version, maxVersion: version });

/** A connection of our client with Node's server, which goes on after our end. */
async function connected(version: Version, options: TlsOptions = {}, ours: TlsClientOptions = {}) {
  const server = await nodeServer({ ...served(version), ...options });
  const { party, conn } = await ourClient(server.port, { ca: pki.ca, ...ours });
  expect(conn.tls?.protocol).toBe(version);
  const [socket] = await server.secured.reach(1);
  return { server, party, conn, socket: socket! };
}
