/** ALPN over TLS: what the listener's protocols announce, and what a context says for itself. */
import type { Protocol } from '@sluice/reactor';
import { beforeAll, describe, expect, it, test } from 'vitest';
import {
  sniContexts,
  type TlsClientOptions,
  type TlsOptions,
  tls,
  tlsClient,
  tlsContext,
  tlsOrPlain,
} from '../src/index.ts';
import { type Credentials, makeCertificate } from './support/certificate.ts';
import { nodeClient, readBytes } from './support/node-client.ts';
import { nodeServer } from './support/node-server.ts';
import { Party } from './support/party.ts';
import { testReactor } from './support/test-reactor.ts';
import { tlsServer } from './support/tls-server.ts';

let credentials: Credentials;
beforeAll(async () => {
  credentials = await makeCertificate();
});

const context = (options: Partial<TlsOptions> = {}) => tlsContext({ ...credentials, ...options });

/** Says its name to whoever comes. */
const saying = (name: string, ...alpn: string[]): Protocol<unknown> => ({
  alpn,
  onOpen: (conn) => {
    conn.write(`${name} `);
  },
});

/** A client's protocol that announces names. */
class Speaker extends Party implements Protocol {
  readonly alpn: readonly string[];

  constructor(...alpn: string[]) {
    super();
    this.alpn = alpn;
  }
}

describe.each(['TLSv1.2', 'TLSv1.3'] as const)('%s', (version) => {
  const only = { minVersion: version, maxVersion: version, rejectUnauthorized: false };

  const heard = async (port: number, servername: string, ...ALPNProtocols: string[]) => {
    const client = await nodeClient(port, { ...only, servername, ALPNProtocols });
    return `${await readBytes(client, 4)}by ${client.alpnProtocol}`;
  };

  test('the listener offers what its protocols announce, in their order', async () => {
    const transport = tls(context());
    const { port } = await tlsServer(transport, () => [saying('one', 'a', 'b'), saying('two', 'c')]);
    expect(await heard(port, 'localhost', 'c', 'b')).toBe('one by b');
    expect(await heard(port, 'localhost', 'x', 'c')).toBe('two by c');
    expect(await heard(port, 'localhost')).toBe('one by false');
    await expect(nodeClient(port, { ...only, ALPNProtocols: ['x'] })).rejects.toThrow();
  });

  test('one transport serves listeners of different protocols', async () => {
    const transport = tls(context());
    const first = await tlsServer(transport, () => saying('one', 'a'));
    const second = await tlsServer(transport, () => saying('two', 'b'), first.reactor);
    const silent = await tlsServer(transport, () => saying('non'), first.reactor);
    expect(await heard(first.port, 'localhost', 'b', 'a')).toBe('one by a');
    expect(await heard(second.port, 'localhost', 'b', 'a')).toBe('two by b');
    expect(await heard(silent.port, 'localhost', 'b', 'a')).toBe('non by false');
  });

  test('P36 a context that has a list of its own keeps it, behind a name as well', async () => {
    const contexts = sniContexts({
      default: context(),
      names: { narrow: context({ alpn: ['c'] }), strange: context({ alpn: ['x'] }), plain: context() },
    });
    const protocols = () => [saying('one', 'a'), saying('two', 'c')];
    const { port, refused } = await tlsServer(tls(contexts), protocols);
    const offered = ['a', 'c', 'x'];
    expect(await heard(port, 'localhost', ...offered)).toBe('one by a');
    expect(await heard(port, 'narrow', ...offered)).toBe('two by c');
    expect(await heard(port, 'plain', ...offered)).toBe('one by a');
    await nodeClient(port, { ...only, servername: 'strange', ALPNProtocols: offered });
    expect((await refused.reach(1))[0]!.error).toMatchObject({
      name: 'UsageError',
      code: 'ERR_APPLICATION_PROTOCOL',
    });
  });

  test('together with a hook that answers later', async () => {
    const transport = tls(context(), { onClientHello: async ({ alpn }) => context({ alpn: [alpn[1]!] }) });
    const { port } = await tlsServer(transport, () => [saying('one', 'a'), saying('two', 'c')]);
    expect(await heard(port, 'localhost', 'a', 'c')).toBe('two by c');
  });

  test('behind a port that serves plain text too, with and without such a hook', async () => {
    for (const settings of [{}, { onClientHello: async () => undefined }]) {
      const transport = tlsOrPlain({ tls: tls(context(), settings) });
      const { port } = await tlsServer(transport, () => [saying('one', 'a'), saying('two', 'c')]);
      expect(await heard(port, 'localhost', 'c')).toBe('two by c');
    }
  });
});

describe.each(['TLSv1.2', 'TLSv1.3'] as const)('our client, %s', (version) => {
  const only = () => ({ minVersion: version, maxVersion: version, ca: credentials.cert });

  /** What is settled with the server on `port`, by both of them, and who speaks. */
  const spoken = async (port: number, protocol: Party | readonly Party[], options: TlsClientOptions = {}) => {
    const transport = tlsClient({ servername: 'localhost', ...only(), ...options });
    const conn = await testReactor().connect({ host: '127.0.0.1', port, transport }, protocol);
    const speakers = (Array.isArray(protocol) ? protocol : [protocol]) as readonly Party[];
    return [conn.tls?.alpn, speakers.findIndex(({ opened }) => opened.items.includes(conn))];
  };

  it("offers what its protocol announces, to Node's server and ours", async () => {
    const theirs = await nodeServer({ ...credentials, ALPNProtocols: ['c', 'b'] });
    expect(await spoken(theirs.port, new Speaker('a', 'b', 'c'))).toEqual(['c', 0]);
    expect((await theirs.secured.reach(1))[0]!.alpnProtocol).toBe('c');
    const ours = await tlsServer(tls(context()), () => saying('one', 'b', 'c'));
    expect(await spoken(ours.port, new Speaker('a', 'c', 'b'))).toEqual(['b', 0]);
  });

  it('of several protocols speaks the one that the server chose', async () => {
    const { port } = await tlsServer(tls(context()), () => saying('one', 'c'));
    expect(await spoken(port, [new Speaker('a'), new Speaker('b', 'c')])).toEqual(['c', 1]);
  });

  it('speaks the first one to a server that chooses none', async () => {
    const { port } = await nodeServer({ ...credentials });
    expect(await spoken(port, [new Speaker('a'), new Speaker('b')])).toEqual([undefined, 0]);
  });

  it('keeps the list that its transport was given, and offers nothing where nobody says anything', async () => {
    const { port } = await nodeServer({ ...credentials, ALPNProtocols: ['b', 'a'] });
    expect(await spoken(port, new Speaker('b'), { alpn: ['a'] })).toEqual(['a', 0]);
    expect(await spoken(port, new Speaker())).toEqual([undefined, 0]);
    await expect(spoken(port, [new Speaker('b'), new Speaker('c')], { alpn: ['a'] })).rejects.toMatchObject({
      name: 'UsageError',
      code: 'ERR_APPLICATION_PROTOCOL',
      message: expect.stringMatching(/^'a' was negotiated and no protocol that was given has it in alpn/),
    });
  });

  it('is refused by a server that serves none of it', async () => {
    const { port } = await tlsServer(tls(context()), () => saying('one', 'a'));
    await expect(spoken(port, new Speaker('x'))).rejects.toMatchObject({
      name: 'TlsError',
      code: 'ERR_TLS_ALERT',
      message: expect.stringContaining('it serves none of the protocols in alpn'),
    });
  });
});

it('a name that is too long, or a list that nobody could choose from, is refused before anything is opened', async () => {
  const transport = tlsClient();
  const connect = (...protocols: Party[]) =>
    testReactor().connect({ host: '127.0.0.1', port: 1, transport }, protocols);
  await expect(connect(new Speaker('x'.repeat(256)))).rejects.toMatchObject({
    name: 'TlsContextError',
    code: 'ERR_TLS_OPTION',
    message: expect.stringContaining('in alpn must have 1 to 255 bytes'),
  });
  await expect(connect(new Speaker('a'), new Speaker())).rejects.toMatchObject({
    name: 'UsageError',
    code: 'ERR_OPTION_VALUE',
    message: expect.stringContaining('Protocol 2 of the list has no alpn'),
  });
});

test('a name that is too long is refused where the listener opens', async () => {
  const listening = tlsServer(tls(context()), () => saying('one', 'x'.repeat(256)));
  await expect(listening).rejects.toMatchObject({
    name: 'TlsContextError',
    code: 'ERR_TLS_OPTION',
    message: expect.stringContaining('in alpn must have 1 to 255 bytes'),
  });
});
