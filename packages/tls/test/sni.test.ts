/** Which context serves which name, seen by Node's client and by openssl's. */
import { once } from 'node:events';
import type { ConnectionOptions, TLSSocket } from 'node:tls';
import { loadNative } from '@sluice/core-native';
import { type Issuer, selfSigned } from '@sluice-internal/certificates';
import { needsTool, startTool } from '@sluice-internal/foreign-programs';
import { beforeAll, describe, expect, test } from 'vitest';
import { type SniOptions, sniContexts, type TlsOptions, tls, tlsContext } from '../src/index.ts';
import { TlsContext } from '../src/tls-context.ts';
import { leave, nodeClient, readBytes } from './support/node-client.ts';
import { refusalOf } from './support/refusal-of.ts';
import { tlsServer } from './support/tls-server.ts';

const VERSIONS = ['TLSv1.2', 'TLSv1.3'] as const;

let authority: Issuer;
let hosts: Record<'plain' | 'a' | 'wild' | 'b', Issuer>;

beforeAll(async () => {
  authority = await selfSigned({ name: 'Test authority', authority: true });
  hosts = {
    plain: await authority.issue({ name: 'localhost', dns: ['localhost'] }),
    a: await authority.issue({ name: 'a.example', dns: ['a.example'] }),
    wild: await authority.issue({ name: 'wild', dns: ['*.example'] }),
    b: await authority.issue({ name: 'b.example', dns: ['b.example'] }),
  };
});

function context(host: keyof typeof hosts, options: Partial<TlsOptions> = {}): TlsContext {
  return tlsContext({ cert: hosts[host].certificate, key: hosts[host].key, ...options });
}

/** What `tlsContext` does not offer: who comes must show a certificate of the authority. */
function demanding(host: keyof typeof hosts): TlsContext {
  const { certificate, key } = hosts[host];
  const { TlsContext: Native } = loadNative();
  const native = new Native({
    role: 'server',
    certificateChain: certificate,
    privateKey: key,
    trustAnchors: [authority.certificate],
    verifyPeer: true,
  });
  return new TlsContext(native);
}

const subject = (socket: TLSSocket) => socket.getPeerCertificate().subject.CN;

describe.each(VERSIONS)('%s', (version) => {
  const only = { minVersion: version, maxVersion: version, rejectUnauthorized: false };

  const serve = (options: SniOptions) => tlsServer(tls(sniContexts(options)));

  const all = () => ({
    default: context('plain'),
    names: { 'a.example': context('a'), '*.Example.': context('wild') },
  });

  test.each([
    ['its own name', 'a.example', 'a.example'],
    ['its own name in capitals', 'A.EXAMPLE', 'a.example'],
    ['a name under a wildcard', 'b.example', 'wild'],
    ['a name two labels under it', 'c.b.example', 'localhost'],
    ['a name that is not there', 'other.test', 'localhost'],
    ['no name', '', 'localhost'],
  ])('a client that asks for %s gets the certificate for it', async (_title, servername, expected) => {
    const { port } = await serve(all());
    const client = await nodeClient(port, { ...only, servername });
    expect(subject(client)).toBe(expected);
    client.write('ping');
    expect((await readBytes(client, 4)).toString()).toBe('ping');
  });

  test('the certificate verifies for the name that was asked for', async () => {
    const { port } = await serve(all());
    const client = await nodeClient(port, {
      ...only,
      rejectUnauthorized: true,
      ca: authority.certificate,
      servername: 'a.example',
    });
    expect(client.authorized).toBe(true);
  });

  test('openssl s_client is served by name, a trailing dot or not', async (it) => {
    needsTool(it, 'openssl');
    const { port } = await serve(all());
    const flag = version === 'TLSv1.2' ? '-tls1_2' : '-tls1_3';
    const seen = (servername: string) => subjectSeenBy(port, [flag, '-servername', servername]);
    expect(await seen('A.Example.')).toContain('CN = a.example');
    expect(await seen('x.example.')).toContain('CN = wild');
    expect(await seen('x.test')).toContain('CN = localhost');
  });

  test('P36 a host that verifies clients names its own authorities, one that does not asks for nothing', async (it) => {
    needsTool(it, 'openssl');
    const { port } = await serve({ default: context('plain'), names: { 'a.example': demanding('a') } });
    const flag = version === 'TLSv1.2' ? '-tls1_2' : '-tls1_3';
    const seen = (servername: string) => printedBy(port, [flag, '-servername', servername]);
    const names = 'Acceptable client certificate CA names\nCN = Test authority';
    expect(await seen('a.example')).toContain(names);
    expect(await seen('localhost')).toContain('No client certificate CA names sent');
  });

  test('without a default context whoever asks for no name that is there is refused, and hears why', async () => {
    const { port, refused } = await serve({ names: { 'a.example': context('a') } });
    expect(subject(await nodeClient(port, { ...only, servername: 'a.example' }))).toBe('a.example');
    for (const servername of ['x.test', '']) {
      const refusal = await refusalOf(nodeClient(port, { ...only, servername }));
      expect(refusal.message).toContain('unrecognized name');
    }
    const told = { name: 'TlsError', code: 'ERR_TLS_UNRECOGNIZED_NAME' };
    const message = 'The peer asked for no server name that is served here (callback failed).';
    expect(await refused.reach(2)).toEqual([
      { reason: 'error', error: expect.objectContaining({ ...told, message }) },
      { reason: 'error', error: expect.objectContaining(told) },
    ]);
  });

  test('P35 names come, change and go at run time; who is connected keeps what it has', async () => {
    const contexts = sniContexts({ default: context('plain') });
    const { port } = await tlsServer(tls(contexts));
    const seen = async () => subject(await nodeClient(port, { ...only, servername: 'b.example' }));
    expect(await seen()).toBe('localhost');
    contexts.add('b.example', context('wild'));
    const early = await nodeClient(port, { ...only, servername: 'b.example' });
    expect(subject(early)).toBe('wild');
    contexts.replace('B.example', context('b'));
    expect(await seen()).toBe('b.example');
    expect(contexts.names).toEqual(['b.example']);
    expect(contexts.remove('b.example')).toBe(true);
    expect(await seen()).toBe('localhost');
    contexts.replaceDefault(undefined);
    await expect(seen()).rejects.toThrow();
    early.write('still here');
    expect((await readBytes(early, 10)).toString()).toBe('still here');
    await leave(early);
  });

  test('P36 a stricter host keeps its versions, ciphers and application protocols', async () => {
    const strict: Partial<TlsOptions> =
      version === 'TLSv1.2'
        ? { ciphers: 'ECDHE-ECDSA-AES256-GCM-SHA384', alpn: ['strict'] }
        : { minVersion: 'TLSv1.3', cipherSuites: 'TLS_AES_256_GCM_SHA384', alpn: ['strict'] };
    const { port } = await serve({
      default: context('plain', { alpn: ['lax'] }),
      names: { 'a.example': context('a', strict) },
    });
    const ALPNProtocols = ['lax', 'strict'];
    const client = await nodeClient(port, { ...only, ALPNProtocols, servername: 'a.example' });
    expect([client.alpnProtocol, client.getCipher().name]).toEqual([
      'strict',
      version === 'TLSv1.2' ? 'ECDHE-ECDSA-AES256-GCM-SHA384' : 'TLS_AES_256_GCM_SHA384',
    ]);
    const other = await nodeClient(port, { ...only, ALPNProtocols });
    expect(other.alpnProtocol).toBe('lax');
    expect(other.getCipher().standardName).toContain('AES_128_GCM_SHA256');
    if (version === 'TLSv1.2') return;
    const old = { ...only, minVersion: 'TLSv1.2' as const, maxVersion: 'TLSv1.2' as const };
    expect((await nodeClient(port, old)).getProtocol()).toBe('TLSv1.2');
    await expect(nodeClient(port, { ...old, servername: 'a.example' })).rejects.toThrow();
  });

  describe('P34 a session', () => {
    const strictHost = async () =>
      serve({ default: context('plain'), names: { 'a.example': demanding('a'), 'b.example': context('b') } });

    test('is resumed where it was made', async () => {
      const { port } = await strictHost();
      for (const servername of ['localhost', 'b.example']) {
        const session = await sessionOf(port, { ...only, servername });
        const again = await nodeClient(port, { ...only, servername, session });
        expect(again.isSessionReused()).toBe(true);
      }
    });

    test('of a lax host does not open a strict one', async () => {
      const { port, refused, opened } = await strictHost();
      for (const servername of ['localhost', 'b.example']) {
        const session = await sessionOf(port, { ...only, servername });
        // In TLS 1.3 the client is done before the server has missed its certificate.
        const strict = nodeClient(port, { ...only, servername: 'a.example', session });
        await strict.then((socket) => once(socket.resume(), 'close')).catch(() => {});
      }
      expect((await refused.reach(2)).map(({ error }) => (error as { reason?: string }).reason)).toEqual([
        'peer did not return a certificate',
        'peer did not return a certificate',
      ]);
      expect(opened.items.length).toBe(2);
    });

    test('of a host with weaker ciphers is not resumed by a stronger one, though both have one certificate', async () => {
      const strong = { ciphers: 'ECDHE-ECDSA-AES256-GCM-SHA384', cipherSuites: 'TLS_AES_256_GCM_SHA384' };
      const { port } = await serve({
        default: context('plain'),
        names: { strong: context('plain', strong) },
      });
      const session = await sessionOf(port, { ...only, servername: 'localhost' });
      const client = await nodeClient(port, { ...only, servername: 'strong', session });
      expect(client.isSessionReused()).toBe(false);
      expect(client.getCipher().standardName).toContain('AES_256_GCM_SHA384');
    });

    test('of one host is not resumed by another', async () => {
      const { port } = await strictHost();
      const session = await sessionOf(port, { ...only, servername: 'b.example' });
      const other = await nodeClient(port, { ...only, servername: 'localhost', session });
      expect(other.isSessionReused()).toBe(false);
      expect(subject(other)).toBe('localhost');
    });
  });
});

test.each([
  ['none', 0, 1],
  ['some', 1, 0],
])('P36 a host sends tickets of TLS 1.2 as it says: %s', async (_title, tickets, byDefault) => {
  const { port } = await tlsServer(
    tls(
      sniContexts({
        default: context('plain', { tickets: byDefault }),
        names: { 'a.example': context('a', { tickets }) },
      }),
    ),
  );
  const ticketOf = async (servername: string) =>
    (await nodeClient(port, { servername, maxVersion: 'TLSv1.2', rejectUnauthorized: false })).getTLSTicket();
  expect((await ticketOf('a.example')) !== undefined).toBe(tickets > 0);
  expect((await ticketOf('localhost')) !== undefined).toBe(byDefault > 0);
});

describe('a name is refused', () => {
  test.each([
    '',
    '.',
    '*',
    '*.',
    'a..b',
    'a.*.b',
    '127.0.0.1',
    'bücher.example',
    'a b',
    'x'.repeat(64),
    '-a.b',
  ])("'%s' is none", (name) => {
    expect(() => sniContexts().add(name, context('a'))).toThrow(
      expect.objectContaining({
        name: 'UsageError',
        code: 'ERR_OPTION_VALUE',
        message: expect.stringContaining(`'${name}' is no server name`),
      }),
    );
  });

  test('that is an option instead', () => {
    expect(() => sniContexts({ hosts: {} } as SniOptions)).toThrow(
      "sniContexts has no option 'hosts'. Known are: default, names.",
    );
  });

  test('that has a context already, or none to replace', () => {
    const contexts = sniContexts({ names: { 'a.example': context('a') } });
    expect(() => contexts.add('A.example.', context('a'))).toThrow(/has a context already: use replace/);
    expect(() => contexts.replace('b.example', context('b'))).toThrow(/has no context yet: use add/);
    expect(contexts.remove('b.example')).toBe(false);
    expect(contexts.get('a.example')?.chains[0]?.[0]?.subject).toBe('CN=a.example');
  });
});

/** Connects, hears something so that its tickets are in, and leaves with a session. */
async function sessionOf(port: number, options: ConnectionOptions): Promise<Buffer> {
  const client = await nodeClient(port, options);
  let session = client.getSession();
  client.on('session', (made) => {
    session = made;
  });
  client.write('ping');
  await readBytes(client, 4);
  await leave(client);
  if (session === undefined) throw new Error('the server sent no ticket');
  return session;
}

/** The subject line that openssl prints of the certificate it was shown. */
async function subjectSeenBy(port: number, args: readonly string[]): Promise<string> {
  const printed = await printedBy(port, args);
  return /^subject=?.*$/m.exec(printed)?.[0].replaceAll(/\s*=\s*/g, ' = ') ?? printed;
}

/** All that it prints, having nothing to say itself. */
async function printedBy(port: number, args: readonly string[]): Promise<string> {
  const tool = startTool('openssl', ['s_client', '-connect', `127.0.0.1:${port}`, ...args]);
  let printed = '';
  tool.child.stdout.setEncoding('utf8').on('data', (text: string) => {
    printed += text;
  });
  tool.child.stdin.end();
  await tool.ended;
  return printed;
}
