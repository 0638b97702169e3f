/** Our server and Node's own client. */
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import type { ConnectionOptions } from 'node:tls';
import { sniContexts, type TlsOptions, type TlsServerTransport, tls, tlsContext } from '@sluice/tls';
import { beforeAll, expect } from 'vitest';
import { ourServer } from '../support/endpoints.ts';
import { leave, nodeClient, readBytes, startNodeClient } from '../support/node-client.ts';
import { bystander } from './support/bystander.ts';
import { gaveUpWith } from './support/closings.ts';
import { BIG_BYTES } from './support/ends.ts';
import { interop, type Version } from './support/matrix.ts';
import { makePki, type Pki } from './support/pki.ts';

const CLEAN = { reason: 'clean', cause: undefined };

let pki: Pki;
beforeAll(async () => {
  pki = await makePki();
});

interop("Node's client", {
  async transfer(version) {
    const { party, conn, socket } = await connected(version);
    const [ours, theirs] = [randomBytes(BIG_BYTES), randomBytes(BIG_BYTES)];
    party.send(conn, ours);
    socket.write(theirs);
    const [atClient, atServer] = await Promise.all([readBytes(socket, BIG_BYTES), party.heard(BIG_BYTES)]);
    expect(atClient.equals(ours)).toBe(true);
    expect(atServer.equals(theirs)).toBe(true);
    conn.end();
    await leave(socket);
    expect(await party.closed.reach(1)).toEqual([CLEAN]);
  },

  async peerEndsFirst(version) {
    const { party, conn, socket } = await connected(version);
    socket.end('question');
    await party.ended.reach(1);
    expect((await party.heard(8)).toString()).toBe('question');
    const answer = randomBytes(BIG_BYTES);
    party.send(conn, answer);
    expect((await readBytes(socket, answer.length)).equals(answer)).toBe(true);
    const closed = once(socket.resume(), 'close');
    conn.end();
    await closed;
    expect(await party.closed.reach(1)).toEqual([CLEAN]);
  },

  async weEndFirst(version) {
    const { party, conn, socket } = await connected(version);
    const [said, answer] = [randomBytes(BIG_BYTES / 16), randomBytes(BIG_BYTES)];
    conn.write(said);
    conn.end();
    const ended = once(socket, 'end');
    expect((await readBytes(socket, said.length)).equals(said)).toBe(true);
    socket.resume();
    await ended;
    socket.end(answer);
    expect((await party.heard(answer.length)).equals(answer)).toBe(true);
    expect(await party.closed.reach(1)).toEqual([CLEAN]);
  },

  async resumption(version) {
    const { party, port } = await ourServer(pki.server);
    const seen: unknown[] = [];
    let session: Buffer | undefined;
    for (let round = 0; round < 2; round += 1) {
      const socket = startNodeClient(port, { ...only(version), ...(session && { session }) });
      const given = once(socket, 'session');
      const conn = (await party.opened.reach(round + 1))[round]!;
      // A ticket of TLS 1.3 comes with the first bytes.
      conn.write('hello');
      await readBytes(socket, 5);
      if (round === 0) [session] = (await given) as [Buffer];
      seen.push([conn.tls?.resumed, socket.isSessionReused()]);
      conn.end();
      await leave(socket);
    }
    expect(seen).toEqual([
      [false, false],
      [true, true],
    ]);
  },

  async clientCertificate(version) {
    const demanding = { ...pki.server, clientCertificates: 'require', ca: pki.ca } as const;
    const { conn } = await connected(version, pki.alice, demanding);
    expect(conn.tls).toMatchObject({ authorized: true });
    expect(conn.tls?.peerCertificate()?.subject).toBe('CN=alice');
  },

  async alpn(version) {
    const offer = { ALPNProtocols: ['other', 'mine'] };
    const { conn, socket } = await connected(version, offer, { ...pki.server, alpn: ['mine'] });
    expect([conn.tls?.alpn, socket.alpnProtocol]).toEqual(['mine', 'mine']);
  },

  async sni(version) {
    const contexts = sniContexts({
      default: tlsContext(pki.server),
      names: { 'named.test': tlsContext(pki.named) },
    });
    const { conn, socket } = await connected(version, { servername: 'named.test' }, tls(contexts));
    expect(socket.getPeerCertificate().subject.CN).toBe('named.test');
    expect(conn.tls?.servername).toBe('named.test');
  },

  async staple(version) {
    const { port } = await ourServer({ ...pki.server, ocspStaple: pki.staple });
    // The typings do not know it.
    const asking = { ...only(version), requestOCSP: true };
    const socket = startNodeClient(port, asking);
    const [response] = (await once(socket, 'OCSPResponse')) as [Buffer];
    expect(response.equals(pki.staple)).toBe(true);
  },

  async ourKeyUpdate(version) {
    const { party, conn, socket } = await connected(version);
    const [ours, theirs] = [randomBytes(BIG_BYTES), randomBytes(BIG_BYTES)];
    party.send(conn, ours);
    socket.write(theirs);
    await party.heard(1);
    expect(conn.queuedBytes).toBeGreaterThan(0);
    conn.tls?.updateKeys({ requestPeer: true });
    const [atClient, atServer] = await Promise.all([readBytes(socket, BIG_BYTES), party.heard(BIG_BYTES)]);
    expect(atClient.equals(ours)).toBe(true);
    expect(atServer.equals(theirs)).toBe(true);
    socket.write('answered');
    await party.heard(BIG_BYTES + 8);
    expect(conn.tls).toMatchObject({ keyUpdatesSent: 1, keyUpdatesReceived: 1 });
  },

  async renegotiation(version) {
    const { party, socket, server } = await connected(version);
    const nobodyElse = await bystander(server, { ca: pki.ca });
    const failed = once(socket, 'error');
    socket.renegotiate({}, () => {});
    // OpenSSL's client gives up when it is told that there is none.
    expect(await failed).toMatchObject([{ code: 'ERR_SSL_NO_RENEGOTIATION' }]);
    expect(await party.closed.reach(1)).toEqual([gaveUpWith('handshake_failure')]);
    await nobodyElse();
  },
});

const only = (version: Version) => ({ ca: pki.ca, minVersion: version, maxVersion: version });

/** A connection of Node's client, which goes on after our end, with a server of ours that says nothing by itself. */
async function connected(
  version: Version,
  options: ConnectionOptions = {},
  served: TlsOptions | TlsServerTransport = pki.server,
) {
  const server = await ourServer(served);
  const own = { ...only(version), allowHalfOpen: true, ...options };
  const socket = await nodeClient(server.port, own);
  const [conn] = await server.party.opened.reach(1);
  expect(conn!.tls?.protocol).toBe(version);
  return { server, party: server.party, conn: conn!, socket };
}
