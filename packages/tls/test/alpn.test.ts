/** ALPN over TLS: what the listener's protocols announce, and what a context says for itself. */
import type { Protocol } from '@sluice/reactor';
import { beforeAll, describe, expect, test } from 'vitest';
import { sniContexts, type TlsOptions, tls, tlsContext, tlsOrPlain } from '../src/index.ts';
import { type Credentials, makeCertificate } from './support/certificate.ts';
import { nodeClient, readBytes } from './support/node-client.ts';
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

test('a name that is too long is refused where the listener opens', async () => {
  const listening = tlsServer(tls(context()), () => saying('one', 'x'.repeat(256)));
  await expect(listening).rejects.toMatchObject({ name: 'TlsContextError', code: 'ERR_TLS_OPTION' });
});
