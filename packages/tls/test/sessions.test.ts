/** Our client resumes with other servers, other clients resume with our server: both sides say so. */
import { spawnSync } from 'node:child_process';
import { constants } from 'node:crypto';
import type { Connection } from '@sluice/reactor';
import {
  sniContexts,
  type TlsClientOptions,
  type TlsClientTransport,
  TlsContextError,
  tls,
  tlsClient,
  tlsContext,
} from '@sluice/tls';
import { ocspResponse, selfSigned } from '@sluice-internal/certificates';
import { needsTool } from '@sluice-internal/foreign-programs';
import { beforeAll, describe, expect, it } from 'vitest';
import { type Credentials, makeCertificate } from './support/certificate.ts';
import { echoServer } from './support/echo-server.ts';
import { leave, nodeClient, readBytes } from './support/node-client.ts';
import { Party } from './support/party.ts';
import { temporaryFile } from './support/temporary-file.ts';
import { testReactor } from './support/test-reactor.ts';
import { tlsServer } from './support/tls-server.ts';

const VERSIONS = ['TLSv1.2', 'TLSv1.3'] as const;

let credentials: Credentials;
beforeAll(async () => {
  credentials = await makeCertificate();
});

const trusting = (options: TlsClientOptions = {}) =>
  tlsClient({ ca: credentials.cert, servername: 'localhost', ...options });

/** Connects, says a line and hears as many bytes, looks, and leaves. */
async function visit<T>(
  port: number,
  transport: TlsClientTransport,
  look: (conn: Connection) => T,
): Promise<T> {
  const party = new Party();
  const conn = await testReactor().connect({ host: '127.0.0.1', port, transport }, party);
  conn.write('hello\n');
  await party.heard(6);
  const seen = look(conn);
  conn.close();
  await party.closed.reach(1);
  return seen;
}

const resumed = (conn: Connection) => conn.tls?.resumed;

describe.each(VERSIONS)('our client over %s', (version) => {
  const only = { minVersion: version, maxVersion: version };

  it('resumes with our server by default, and not where it keeps no session', async () => {
    const { port, opened } = await echoServer({ ...credentials, ...only });
    const [keeping, forgetful] = [trusting(), trusting({ sessionCacheSize: 0 })];
    const seen: unknown[] = [];
    for (const transport of [keeping, keeping, forgetful, forgetful]) {
      seen.push(await visit(port, transport, resumed));
    }
    expect(seen).toEqual([false, true, false, false]);
    expect(opened.items).toHaveLength(4);
  });

  it('does not offer to one port, nor by one name, what it has from another', async () => {
    const [first, second] = [await echoServer(credentials), await echoServer(credentials)];
    const transport = tlsClient({ ca: credentials.cert, ...only });
    expect(await visit(first.port, transport, resumed)).toBe(false);
    expect(await visit(second.port, transport, resumed)).toBe(false);
    expect(transport.sessionStats()).toMatchObject({ kept: 2, hits: 0 });
    const party = new Party();
    const target = { host: 'localhost', port: first.port, transport };
    const conn = await testReactor().connect(target, party);
    expect(conn.tls?.resumed).toBe(false);
    conn.destroy();
  });

  it('hands out its session as bytes, which another transport of the same options resumes', async () => {
    const { port } = await echoServer({ ...credentials, ...only });
    const session = await visit(port, trusting({ sessionCacheSize: 0 }), (conn) => conn.tls?.session());
    expect(session).toBeInstanceOf(Buffer);
    expect(await visit(port, trusting({ session: session! }), resumed)).toBe(true);
    expect(await visit(port, tlsClient({ verify: false, session: session! }), resumed)).toBe(false);
  });

  it('a server has no session to hand out', async () => {
    const { port, opened } = await echoServer(credentials);
    await visit(port, trusting(only), () => expect(opened.items[0]!.tls?.session()).toBeUndefined());
  });
});

describe('a client of TLS 1.2 that takes no tickets', () => {
  const withoutTickets = () => ({
    ca: credentials.cert,
    maxVersion: 'TLSv1.2' as const,
    secureOptions: constants.SSL_OP_NO_TICKET,
  });

  async function reuse(port: number, session?: Buffer) {
    const client = await nodeClient(port, { ...withoutTickets(), ...(session ? { session } : {}) });
    client.write('hello');
    await readBytes(client, 5);
    const seen = { resumed: client.isSessionReused(), session: client.getSession()! };
    await leave(client);
    return seen;
  }

  async function servedBy(options: Partial<Parameters<typeof tls>[0]> = {}) {
    const transport = tls({ ...credentials, ...options });
    const server = await testReactor().listen(
      { host: '127.0.0.1', port: 0, transport },
      { onOpen: () => {}, onData: (conn, chunk) => void conn.write(chunk), onEnd: (conn) => conn.end() },
    );
    return { port: server.address()!.port, transport };
  }

  it('resumes by session id, and the server counts it', async () => {
    const { port, transport } = await servedBy();
    const first = await reuse(port);
    const second = await reuse(port, first.session);
    expect([first.resumed, second.resumed]).toEqual([false, true]);
    expect(transport.sessionStats()).toEqual({ kept: 1, hits: 1, misses: 0, evicted: 0 });
  });

  it('is one of so many: the oldest session goes when there are more', async () => {
    const { port, transport } = await servedBy({ sessionCacheSize: 2 });
    const [oldest, , newest] = [await reuse(port), await reuse(port), await reuse(port)];
    expect(transport.sessionStats()).toEqual({ kept: 2, hits: 0, misses: 0, evicted: 1 });
    expect((await reuse(port, newest.session)).resumed).toBe(true);
    expect((await reuse(port, oldest.session)).resumed).toBe(false);
    expect(transport.sessionStats()).toMatchObject({ kept: 2, hits: 1, misses: 1 });
  });

  it.each([{ sessionCacheSize: 0 }, { tickets: 0 }])('does not resume with %j', async (options) => {
    const { port, transport } = await servedBy(options);
    const { session } = await reuse(port);
    expect((await reuse(port, session)).resumed).toBe(false);
    expect(transport.sessionStats()).toMatchObject({ kept: 0, hits: 0 });
  });

  it('takes no room where clients take tickets', async () => {
    const { port, transport } = await servedBy();
    const client = await nodeClient(port, { ca: credentials.cert, maxVersion: 'TLSv1.2' });
    await leave(client);
    expect(transport.sessionStats()).toEqual({ kept: 0, hits: 0, misses: 0, evicted: 0 });
  });
});

it('options that cannot be are refused where the transport is made', () => {
  for (const make of [
    () => tls({ ...credentials, sessionCacheSize: -1 }),
    () => tls({ ...credentials, sessionTimeoutSeconds: 604_801 }),
    () => tlsClient({ sessionCacheSize: 0.5 }),
    () => tlsClient({ sessionCacheSize: 1_000_001 }),
  ]) {
    expect(make).toThrow(TlsContextError);
    expect(make).toThrow(expect.objectContaining({ code: 'ERR_TLS_OPTION' }));
    expect(make).toThrow(/^"session\w+" must be an integer from \d to \d+: /);
  }
});

describe.each(VERSIONS)('P36 sessions of a name, %s,', (version) => {
  it('live as long as the context of that name says, whatever the default one does', async (context) => {
    needsTool(context, 'openssl');
    const lasting = (sessionTimeoutSeconds: number) => tlsContext({ ...credentials, sessionTimeoutSeconds });
    const contexts = sniContexts({
      default: lasting(5_000),
      names: { 'short.example': lasting(60), 'long.example': lasting(604_800) },
    });
    const { port } = await tlsServer(tls(contexts));
    const seen: (string | undefined)[] = [];
    for (const servername of ['localhost', 'short.example', 'long.example']) {
      const transport = tlsClient({ servername, verify: false, maxVersion: version });
      const session = await visit(port, transport, (conn) => conn.tls!.session()!);
      const file = temporaryFile('session.der', session);
      const told = spawnSync('openssl', ['sess_id', '-inform', 'DER', '-noout', '-text', '-in', file]);
      seen.push(/lifetime hint: (\d+)/.exec(String(told.stdout))?.[1]);
    }
    expect(seen).toEqual(['5000', '60', '604800']);
  });

  it('survive a reload that brings a fresh OCSP staple, and the staple is served', async () => {
    const authority = await selfSigned({ name: 'Test authority', authority: true });
    const leaf = await authority.issue({ name: 'localhost', dns: ['localhost'] });
    const only = { minVersion: version, maxVersion: version };
    const stapled = (atMs: number) => {
      const ocspStaple = ocspResponse(leaf.certificate, authority, atMs);
      return { cert: leaf.certificate, key: leaf.key, ocspStaple, ...only };
    };
    const transport = tls(stapled(-60_000));
    const { port } = await tlsServer(transport);
    const client = tlsClient({ ca: authority.certificate, servername: 'localhost', requestOcsp: true });
    const first = await visit(port, client, (conn) => conn.tls!);
    const fresh = stapled(0);
    transport.contexts.replaceDefault(tlsContext(fresh));
    expect(first.ocspStaple!.equals(fresh.ocspStaple)).toBe(false);
    expect(await visit(port, client, resumed)).toBe(true);
    const stranger = tlsClient({ ca: authority.certificate, servername: 'localhost', requestOcsp: true });
    expect((await visit(port, stranger, (conn) => conn.tls!)).ocspStaple!.equals(fresh.ocspStaple)).toBe(
      true,
    );
  });
});
