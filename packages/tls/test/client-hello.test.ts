/** The hook that sees a ClientHello before a certificate is chosen. */
import { once } from 'node:events';
import { setImmediate } from 'node:timers/promises';
import type { TLSSocket } from 'node:tls';
import { beforeAll, describe, expect, test } from 'vitest';
import {
  type ClientHello,
  type ClientHelloHook,
  type HelloAnswer,
  sniContexts,
  type TlsContext,
  type TlsOptions,
  TlsRefusedError,
  tls,
  tlsClient,
  tlsContext,
} from '../src/index.ts';
import { makeCertificate } from './support/certificate.ts';
import { nodeClient, readBytes, startNodeClient } from './support/node-client.ts';
import { liveSessions } from './support/process-state.ts';
import { refusalOf } from './support/refusal-of.ts';
import { Tally } from './support/tally.ts';
import { testReactor } from './support/test-reactor.ts';
import { tlsServer } from './support/tls-server.ts';

let plain: TlsContext;
let special: TlsContext;

beforeAll(async () => {
  plain = await makeContext('localhost');
  special = await makeContext('special');
});

async function makeContext(name: string, options: Partial<TlsOptions> = {}): Promise<TlsContext> {
  return tlsContext({ ...(await makeCertificate(name)), ...options });
}

/** When a client that is refused or cut is gone. */
function goneOf(client: TLSSocket): Promise<void> {
  client.on('error', () => {});
  return new Promise((resolve) => client.once('close', () => resolve()));
}

const serve = (onClientHello: ClientHelloHook, limits = {}) =>
  tlsServer(tls(plain, { onClientHello }), (echo) => echo, testReactor(limits));

/** A hook whose answers the test gives, in order. */
function askedLater() {
  const hellos = new Tally<ClientHello>();
  const answers: { resolve(answer: HelloAnswer): void; reject(error: Error): void }[] = [];
  const hook: ClientHelloHook = (hello) =>
    new Promise((resolve, reject) => {
      answers.push({ resolve, reject });
      hellos.add(hello);
    });
  return { hook, hellos, answers };
}

describe.each(['TLSv1.2', 'TLSv1.3'] as const)('%s', (version) => {
  const only = { minVersion: version, maxVersion: version, rejectUnauthorized: false };
  const subjectSeen = async (port: number, options = {}) => {
    const client = await nodeClient(port, { ...only, ...options });
    client.write('ping');
    expect((await readBytes(client, 4)).toString()).toBe('ping');
    return client.getPeerCertificate().subject.CN;
  };

  test('it is told what the client offers', async () => {
    const hellos: ClientHello[] = [];
    const { port } = await serve((hello) => void hellos.push(hello));
    const ALPNProtocols = ['h2', 'http/1.1'];
    expect(await subjectSeen(port, { servername: 'Some.Example', ALPNProtocols })).toBe('localhost');
    const [hello] = hellos;
    expect(hello).toMatchObject({ servername: 'Some.Example', alpn: ALPNProtocols });
    expect(hello!.versions.map(({ name }) => name)).toEqual([version]);
    const names = hello!.cipherSuites.map(({ name }) => name);
    const suite =
      version === 'TLSv1.3' ? 'TLS_AES_128_GCM_SHA256' : 'TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256';
    expect(names).toContain(suite);
    expect(hello!.extensions).toEqual(expect.arrayContaining([0, 10, 13, 16]));
    expect(hello!.groups).toContain(29);
    expect(hello!.signatureAlgorithms).toContain(0x0403);
    const digits = version.replace(/\D/g, '');
    expect(hello!.ja4).toMatch(new RegExp(`^t${digits}d[0-9]{4}h2_[0-9a-f]{12}_[0-9a-f]{12}$`));
  });

  test('a context that it returns serves the client; nothing leaves the choice as it was', async () => {
    const { port } = await serve(({ servername }) => (servername === 'special' ? special : undefined));
    expect(await subjectSeen(port, { servername: 'special' })).toBe('special');
    expect(await subjectSeen(port)).toBe('localhost');
  });

  test('a promise suspends the handshake until it settles, and what was sent meanwhile is not lost', async () => {
    const { hook, hellos, answers } = askedLater();
    const { port, opened } = await serve(hook);
    const slow = startNodeClient(port, only);
    const secured = once(slow, 'secureConnect');
    slow.write('early');
    await hellos.reach(1);
    // Others are served meanwhile.
    const quick = startNodeClient(port, only);
    await hellos.reach(2);
    answers[1]!.resolve(undefined);
    await once(quick, 'secureConnect');
    await opened.reach(1);
    answers[0]!.resolve(special);
    await secured;
    expect(slow.getPeerCertificate().subject.CN).toBe('special');
    expect((await readBytes(slow, 5)).toString()).toBe('early');
  });

  test('an error refuses the client, which hears why (access_denied), and the listener is told of it', async () => {
    const error = new Error('not you');
    const { port, refused } = await serve(() => error);
    const refusal = await refusalOf(nodeClient(port, only));
    expect(refusal.message).toContain('access denied');
    expect(await refused.reach(1)).toEqual([{ reason: 'error', error }]);
  });

  test('a refusal names its alert: the client hears why', async () => {
    const { port, refused } = await serve(async () => new TlsRefusedError('who?', 'unrecognized_name'));
    const refusal = await refusalOf(nodeClient(port, only));
    expect(refusal.message).toContain('unrecognized name');
    const [told] = await refused.reach(1);
    expect(told!.error).toMatchObject({ name: 'TlsRefusedError', code: 'ERR_TLS_REFUSED', message: 'who?' });
  });

  test.each<[string, ClientHelloHook]>([
    [
      'throws',
      () => {
        throw new Error('a bug');
      },
    ],
    ['rejects', () => Promise.reject(new Error('a bug'))],
  ])('P54 a hook that %s costs its connection only', async (_title, broken) => {
    let calls = 0;
    const { port, refused } = await serve((hello) => {
      calls += 1;
      return calls === 1 ? broken(hello) : undefined;
    });
    await expect(nodeClient(port, only)).rejects.toThrow();
    expect((await refused.reach(1))[0]).toMatchObject({ reason: 'error', error: { message: 'a bug' } });
    expect(await subjectSeen(port)).toBe('localhost');
  });

  test('a hook that returns something else is told what it may return; the client hears why (internal_error)', async () => {
    const { port, refused } = await serve((() => 'yes') as unknown as ClientHelloHook);
    const refusal = await refusalOf(nodeClient(port, only));
    expect(refusal.message).toContain('internal error');
    expect((await refused.reach(1))[0]!.error).toMatchObject({
      name: 'UsageError',
      code: 'ERR_OPTION_VALUE',
      message: 'onClientHello must return a context made by tlsContext(), an Error, or nothing.',
    });
  });

  test('P55 P21 an answer that never comes is cut at the deadline; one that comes later is dropped', async () => {
    const { hook, hellos, answers } = askedLater();
    const { port, refused } = await serve(hook, { handshakeTimeoutMs: 100 });
    const client = startNodeClient(port, only);
    const gone = goneOf(client);
    await hellos.reach(1);
    expect((await refused.reach(1))[0]).toMatchObject({
      reason: 'timeout',
      error: { code: 'ERR_HANDSHAKE_TIMEOUT' },
    });
    await gone;
    expect(liveSessions()).toBe(0);
    for (const answer of [special, new Error('late')]) answers[0]!.resolve(answer);
    await setImmediate();
    expect(refused.items.length).toBe(1);
  });

  test('P21 the hook may shut the whole reactor down', async () => {
    const { hook, hellos, answers } = askedLater();
    const { port, reactor, refused } = await serve((hello) => {
      if (hello.servername !== 'end') return hook(hello);
      void reactor.shutdown({ deadlineMs: 0 });
      return special;
    });
    const clients = ['waits', 'end'].map((servername) => {
      const client = startNodeClient(port, { ...only, servername });
      return goneOf(client);
    });
    await Promise.all(clients);
    await reactor.shutdown();
    expect(hellos.items.length).toBeLessThan(2);
    answers[0]?.resolve(special);
    await setImmediate();
    expect(refused.items.every(({ error }) => error.constructor.name === 'TimeoutError')).toBe(true);
    expect(liveSessions()).toBe(0);
  });

  test('a client that leaves while it waits is found out when the answer comes', async () => {
    const { hook, hellos, answers } = askedLater();
    const { port, refused } = await serve(hook);
    const client = startNodeClient(port, only);
    await hellos.reach(1);
    client.destroy();
    await once(client, 'close');
    answers[0]!.resolve(special);
    const [told] = await refused.reach(1);
    expect(['truncated', 'reset']).toContain(told!.reason);
  });
});

test('names serve those about whom the hook has nothing to say', async () => {
  const contexts = sniContexts({ names: { special } });
  const { port } = await tlsServer(tls(contexts, { onClientHello: () => undefined }));
  const client = await nodeClient(port, { servername: 'special', rejectUnauthorized: false });
  expect(client.getPeerCertificate().subject.CN).toBe('special');
});

test('it is asked once about a client that has to say hello twice', async () => {
  const hellos = new Tally<ClientHello>();
  const narrow = await makeContext('narrow', { groups: 'X25519' });
  const { port, opened, reactor } = await serve(async (hello) => {
    hellos.add(hello);
    return narrow;
  });
  // A key share for a group that is not served: HelloRetryRequest (RFC 8446 section 4.1.4).
  const transport = tlsClient({ verify: false, servername: 'twice', groups: 'P-521:X25519' });
  await reactor.connect({ host: '127.0.0.1', port, transport }, { onOpen: () => {} });
  const [conn] = await opened.reach(1);
  expect(conn!.tls).toMatchObject({ group: 'x25519', protocol: 'TLSv1.3', servername: 'twice' });
  expect(hellos.items.length).toBe(1);
});

test('an option that it does not have is named', () => {
  expect(() => tls(plain, { onclienthello: () => undefined } as object)).toThrow(
    "tls has no option 'onclienthello'. Did you mean 'onClientHello'?",
  );
});
