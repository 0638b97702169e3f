/** What a renegotiation of TLS 1.2 leaves as it was: who serves, who is there, what was asked. */
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import type { ConnectionOptions, TLSSocket } from 'node:tls';
import { sniContexts, type TlsServerSettings, type TlsServerTransport, tls, tlsContext } from '@sluice/tls';
import { type Issuer, selfSigned } from '@sluice-internal/certificates';
import { beforeAll, expect, it } from 'vitest';
import { type Credentials, makeCertificate } from './support/certificate.ts';
import { leave, nodeClient, readBytes } from './support/node-client.ts';
import { Party } from './support/party.ts';
import { testReactor } from './support/test-reactor.ts';

const CLEAN = { reason: 'clean', cause: undefined };
const OFTEN = { renegotiation: { limit: 10 } };

let credentials: Credentials;
let authority: Issuer;
let alice: { readonly cert: string; readonly key: string };
beforeAll(async () => {
  credentials = await makeCertificate();
  authority = await selfSigned({ name: 'Test authority', authority: true });
  const { certificate, key } = await authority.issue({ name: 'alice', usage: 'clientAuth' });
  alice = { cert: certificate, key };
});

it('P36 each name has a limit of its own, and who chose it stays: the hook is asked once', async () => {
  const names = {
    'a.test': tlsContext({ ...credentials, ...OFTEN }),
    'b.test': tlsContext(credentials),
  };
  const asked: unknown[] = [];
  const settings: TlsServerSettings = {
    onClientHello: async ({ servername }) => {
      asked.push(servername);
      await new Promise((resolve) => setImmediate(resolve));
      return undefined;
    },
  };
  const server = await serve(tls(sniContexts({ names }), settings));
  const allowed = await visit(server, { servername: 'a.test' });
  for (let round = 0; round < 3; round += 1) await renegotiate(allowed.client);
  await converse(allowed, server.party);
  expect(allowed.conn.tls).toMatchObject({ servername: 'a.test', renegotiations: 3 });
  const refused = await visit(server, { servername: 'b.test' });
  refused.client.renegotiate({}, () => {});
  const [error] = (await once(refused.client, 'error')) as [Error];
  expect(error.message).toContain('no renegotiation');
  expect(refused.conn.tls?.renegotiations).toBe(0);
  expect(asked).toEqual(['a.test', 'b.test']);
});

it.each(['request', 'require'] as const)(
  'a client that has to keep its certificate does, %s',
  async (clientCertificates) => {
    const judged: unknown[] = [];
    const transport = tls({
      ...credentials,
      ...OFTEN,
      clientCertificates,
      ca: authority.certificate,
      verifyPeer: (peer) => {
        judged.push(peer.authorized);
        return true;
      },
    });
    const server = await serve(transport);
    const visitor = await visit(server, alice);
    const before = visitor.conn.tls?.peerFingerprint256();
    for (let round = 0; round < 3; round += 1) await renegotiate(visitor.client);
    await converse(visitor, server.party);
    expect(visitor.conn.tls).toMatchObject({ authorized: true, renegotiations: 3 });
    expect(visitor.conn.tls?.peerFingerprint256()).toBe(before);
    // Nobody else came.
    expect(judged).toEqual([true]);
    await leaveBoth(visitor, server.party);
  },
);

it('P34 one that resumed its session renegotiates, and is still who it was', async () => {
  const transport = tls({
    ...credentials,
    ...OFTEN,
    clientCertificates: 'require',
    ca: authority.certificate,
  });
  const server = await serve(transport);
  const first = await visit(server, alice);
  const session = first.client.getSession();
  await leaveBoth(first, server.party);
  const again = await visit(server, { ...alice, ...(session && { session }) }, 2);
  expect(again.conn.tls).toMatchObject({ resumed: true, authorized: true });
  await renegotiate(again.client);
  await converse(again, server.party);
  // What is told is what the first handshake of the connection settled.
  expect(again.conn.tls).toMatchObject({ resumed: true, authorized: true, renegotiations: 1 });
});

it('the application protocol stays, with what is exported of the keys', async () => {
  const server = await serve(tls({ ...credentials, ...OFTEN, alpn: ['mine'] }));
  const visitor = await visit(server, { ALPNProtocols: ['mine'] });
  const exported = () => visitor.conn.tls?.exportKeyingMaterial(32, 'EXPORTER-test');
  const before = exported();
  await renegotiate(visitor.client);
  await converse(visitor, server.party);
  expect(visitor.conn.tls).toMatchObject({ alpn: 'mine', renegotiations: 1 });
  const after = visitor.client.exportKeyingMaterial(32, 'EXPORTER-test', undefined as never);
  expect(exported()).toEqual(after);
  expect(after).not.toEqual(before);
});

it('so does the key (PSK) that it came with', async () => {
  const key = randomBytes(32);
  const server = await serve(tls({ psk: { keys: { mine: key } }, ...OFTEN }));
  const visitor = await visit(server, {
    ciphers: 'ECDHE-PSK-CHACHA20-POLY1305',
    pskCallback: () => ({ psk: key, identity: 'mine' }),
  });
  for (let round = 0; round < 2; round += 1) await renegotiate(visitor.client);
  await converse(visitor, server.party);
  expect(visitor.conn.tls).toMatchObject({ pskIdentity: 'mine', authorized: true, renegotiations: 2 });
  const { tls: told } = visitor.conn;
  await leaveBoth(visitor, server.party);
  expect(told?.renegotiations).toBe(2);
});

interface Serving {
  readonly port: number;
  readonly party: Party;
}

async function serve(transport: TlsServerTransport): Promise<Serving> {
  const party = new Party();
  const server = await testReactor().listen({ host: '127.0.0.1', port: 0, transport }, party);
  return { port: server.address()!.port, party };
}

async function visit({ port, party }: Serving, options: ConnectionOptions, count?: number) {
  const nth = count ?? party.opened.items.length + 1;
  const client = await nodeClient(port, {
    ca: credentials.cert,
    maxVersion: 'TLSv1.2',
    checkServerIdentity: () => undefined,
    ...options,
  });
  const conn = (await party.opened.reach(nth))[nth - 1]!;
  return { client, conn };
}

type Visitor = Awaited<ReturnType<typeof visit>>;

async function converse({ client, conn }: Visitor, party: Party): Promise<void> {
  const before = (await party.heard(0)).length;
  client.write('question');
  await party.heard(before + 8);
  conn.write('answer');
  expect((await readBytes(client, 6)).toString()).toBe('answer');
}

async function leaveBoth({ client, conn }: Visitor, party: Party): Promise<void> {
  conn.end();
  await leave(client);
  expect((await party.closed.reach(1))[0]).toEqual(CLEAN);
}

function renegotiate(socket: TLSSocket): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.renegotiate({}, (error) => (error ? reject(error) : resolve()));
  });
}
