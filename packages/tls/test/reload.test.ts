/** Certificates that are renewed while a server runs. */
import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadNative } from '@sluice/core-native';
import { type Issuer, type Subject, selfSigned } from '@sluice-internal/certificates';
import { beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import {
  type PemPair,
  type PemWatcher,
  sniContexts,
  type TlsContext,
  tls,
  tlsContext,
  watchPemFiles,
} from '../src/index.ts';
import { collectGarbage } from './support/collect-garbage.ts';
import { leave, nodeClient, readBytes } from './support/node-client.ts';
import { Tally } from './support/tally.ts';
import { tlsServer } from './support/tls-server.ts';

let authority: Issuer;
let old: Issuer;
let renewed: Issuer;

beforeAll(async () => {
  authority = await selfSigned({ name: 'Test authority', authority: true });
  old = await issue('old');
  renewed = await issue('renewed');
});

const issue = (name: string, subject: Partial<Subject> = {}) =>
  authority.issue({ name, dns: ['localhost'], ...subject });

const contextOf = ({ certificate, key }: Issuer, chain = ''): TlsContext =>
  tlsContext({ cert: certificate + chain, key });

describe('P35 a context that is put in while a server runs', () => {
  test.each<[string, () => Promise<TlsContext>, string, RegExp]>([
    [
      'has expired',
      async () => contextOf(await issue('late', { validDays: [-20, -1] })),
      'ERR_TLS_CERTIFICATE_DATES',
      /The certificate of 'CN=late' expired on .*: /,
    ],
    [
      'is not valid yet',
      async () => contextOf(await issue('early', { validDays: [1, 20] })),
      'ERR_TLS_CERTIFICATE_DATES',
      /The certificate of 'CN=early' is valid from .* on: /,
    ],
    [
      'is followed by a stranger',
      async () => contextOf(old, renewed.certificate),
      'ERR_TLS_CHAIN',
      /The certificate of 'CN=old' is followed by 'CN=renewed', which is not its issuer: /,
    ],
    [
      'is followed by somebody with the name of its issuer',
      async () => contextOf(old, (await selfSigned({ name: 'Test authority', authority: true })).certificate),
      'ERR_TLS_CHAIN',
      /'CN=old' is followed by 'CN=Test authority', which is not its issuer/,
    ],
    [
      'has the key of another',
      async () => tlsContext({ cert: renewed.certificate, key: old.key }),
      'ERR_TLS_KEY_MISMATCH',
      /do not belong together/,
    ],
  ])('is refused when it %s, and the old one stays', async (_title, make, code, message) => {
    const context = contextOf(old);
    const contexts = sniContexts({ default: context, names: { localhost: context } });
    const deeds = [
      async () => contexts.replaceDefault(await make()),
      async () => contexts.replace('localhost', await make()),
      async () => contexts.add('other', await make()),
    ];
    for (const deed of deeds) {
      await expect(deed()).rejects.toMatchObject({ name: 'TlsContextError', code });
      await expect(deed()).rejects.toThrow(message);
    }
    expect([contexts.default, contexts.get('localhost')]).toEqual([context, context]);
    expect(contexts.names).toEqual(['localhost']);
  });

  test('may have its whole chain with it', () => {
    const contexts = sniContexts();
    contexts.replaceDefault(contextOf(old, authority.certificate));
    expect(contexts.default?.chains[0]?.map(({ subject }) => subject)).toEqual([
      'CN=old',
      'CN=Test authority',
    ]);
  });
});

describe.each(['TLSv1.2', 'TLSv1.3'] as const)('%s', (version) => {
  test('P35 many reloads under handshakes: none fails, old connections go on, nothing is left', async () => {
    const { liveObjects } = loadNative();
    await collectGarbage();
    const before = liveObjects().tlsContexts;
    const transport = tls(contextOf(old));
    transport.contexts.add('*.example', contextOf(old));
    const { port, refused } = await tlsServer(transport);
    const client = (servername: string) =>
      nodeClient(port, {
        ca: authority.certificate,
        checkServerIdentity: () => undefined,
        servername,
        ...only,
      });
    const only = { minVersion: version, maxVersion: version };
    const first = await client('localhost');

    let reloading = true;
    const subjects = new Set<unknown>();
    const visit = async (servername: string) => {
      while (reloading) {
        const socket = await client(servername);
        subjects.add(socket.getPeerCertificate().subject.CN);
        socket.write('ping');
        await readBytes(socket, 4);
        await leave(socket);
      }
    };
    const visitors = ['localhost', 'a.example', 'b.example', 'localhost'].map(visit);
    for (let reload = 0; reload < 60; reload += 1) {
      const next = reload % 2 === 0 ? renewed : old;
      transport.contexts.replaceDefault(contextOf(next));
      transport.contexts.replace('*.example', contextOf(next));
      // A handshake's time: the next visitor meets another context than the last one.
      await leave(await client('localhost'));
    }
    reloading = false;
    await Promise.all(visitors);
    expect(subjects).toEqual(new Set(['old', 'renewed']));
    expect(refused.items).toEqual([]);
    first.write('still here');
    expect((await readBytes(first, 10)).toString()).toBe('still here');
    await leave(first);
    await collectGarbage();
    // The two that are published now.
    expect(liveObjects().tlsContexts - before).toBeLessThanOrEqual(2);
  });
});

describe('watched files', () => {
  let folder: string;
  let changes: Tally<PemPair>;
  let errors: Tally<Error>;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'sluice-pem-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    changes = new Tally();
    errors = new Tally();
    put(folder, old);
  });

  function put(into: string, { certificate, key }: Issuer): void {
    writeFileSync(join(into, 'cert.pem'), certificate);
    writeFileSync(join(into, 'key.pem'), key);
  }

  /** Watches, and has looked once: what is written from now on is what the test writes. */
  async function start(
    onChange: (pair: PemPair) => void = (pair) => changes.add(pair),
    within = folder,
  ): Promise<PemWatcher> {
    const files = { cert: join(within, 'cert.pem'), key: join(within, 'key.pem') };
    const watcher = watchPemFiles(files, { onChange, onError: (error) => errors.add(error) });
    onTestFinished(() => watcher.close());
    await watcher.check();
    return watcher;
  }

  const lastCert = (pairs: readonly PemPair[]) => String(pairs.at(-1)?.cert);

  test('that are written anew reload the server', async () => {
    const transport = tls(contextOf(old));
    const { port } = await tlsServer(transport);
    const reloads = new Tally<TlsContext>();
    await start((pair) => {
      const context = tlsContext(pair);
      transport.contexts.replaceDefault(context);
      reloads.add(context);
    });
    put(folder, renewed);
    await reloads.reach(1);
    const client = await nodeClient(port, { ca: authority.certificate });
    expect(client.getPeerCertificate().subject.CN).toBe('renewed');
  });

  test('that do not belong together are told, and tried again with the next change', async () => {
    const watcher = await start((pair) => {
      tlsContext(pair);
      changes.add(pair);
    });
    writeFileSync(join(folder, 'cert.pem'), renewed.certificate);
    await watcher.check();
    expect(errors.items[0]).toMatchObject({ name: 'TlsContextError', code: 'ERR_TLS_KEY_MISMATCH' });
    writeFileSync(join(folder, 'key.pem'), renewed.key);
    expect(lastCert(await changes.reach(1))).toBe(renewed.certificate);
  });

  test('that are touched and say the same are not told', async () => {
    const watcher = await start();
    put(folder, old);
    await watcher.check();
    await watcher.check();
    expect(changes.items).toEqual([]);
    put(folder, renewed);
    await watcher.check();
    expect(changes.items.length).toBeGreaterThan(0);
  });

  test('that are renamed into place are seen', async () => {
    await start();
    mkdirSync(join(folder, 'new'));
    put(join(folder, 'new'), renewed);
    renameSync(join(folder, 'new', 'key.pem'), join(folder, 'key.pem'));
    renameSync(join(folder, 'new', 'cert.pem'), join(folder, 'cert.pem'));
    let seen = 1;
    while (lastCert(await changes.reach(seen)) !== renewed.certificate) seen += 1;
    expect(String(changes.items.at(-1)?.key)).toBe(renewed.key);
  });

  test('that are links in a chain of folders are seen when one of these is turned', async () => {
    for (const [name, identity] of [
      ['1', old],
      ['2', renewed],
    ] as const) {
      mkdirSync(join(folder, name));
      put(join(folder, name), identity);
    }
    const live = join(folder, 'live');
    mkdirSync(live);
    symlinkSync('../1', join(live, 'data'));
    for (const file of ['cert.pem', 'key.pem']) symlinkSync(join('data', file), join(live, file));
    const watcher = await start(undefined, live);
    await watcher.check();
    symlinkSync('../2', join(live, 'turned'));
    renameSync(join(live, 'turned'), join(live, 'data'));
    expect(lastCert(await changes.reach(1))).toBe(renewed.certificate);
    // From now on it is the new folder that counts.
    await watcher.check();
    put(join(folder, '2'), old);
    let seen = 2;
    while (lastCert(await changes.reach(seen)) !== old.certificate) seen += 1;
  });

  test('that are gone are told, and seen when they are back', async () => {
    const watcher = await start();
    rmSync(join(folder, 'key.pem'));
    await watcher.check();
    expect(errors.items[0]).toMatchObject({ name: 'TlsContextError', code: 'ERR_TLS_FILE' });
    expect(errors.items[0]?.message).toContain(join(folder, 'key.pem'));
    put(folder, renewed);
    let seen = 1;
    while (String((await changes.reach(seen)).at(-1)?.key) !== renewed.key) seen += 1;
  });

  test('that are not there to begin with are refused', async () => {
    rmSync(join(folder, 'key.pem'));
    await expect(start()).rejects.toMatchObject({ name: 'TlsContextError', code: 'ERR_TLS_FILE' });
  });

  test('are let go of by close: nothing is told any more', async () => {
    const watcher = await start();
    watcher.close();
    watcher.close();
    put(folder, renewed);
    await watcher.check();
    expect([changes.items, errors.items]).toEqual([[], []]);
  });
});
