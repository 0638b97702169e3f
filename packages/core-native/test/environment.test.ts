import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { type Issuer, selfSigned } from '@sluice-internal/certificates';
import { beforeAll, describe, expect, it } from 'vitest';
import { addonPaths } from '../src/loader.ts';
import { collectGarbage, leavesNothingBehind, openDescriptors } from './support/native.ts';

leavesNothingBehind();

const addon = addonPaths()[0]!;
const scenario = fileURLToPath(new URL('./fixtures/worker-scenario.mjs', import.meta.url));
let identity: Issuer;

beforeAll(async () => {
  identity = await selfSigned({ name: 'localhost', dns: ['localhost'] });
});

function startWorker(scene: string): Worker {
  const { certificate, key } = identity;
  return new Worker(scenario, { workerData: { addon, scene, certificate, key } });
}

function exitOf(worker: Worker): Promise<number> {
  return new Promise((resolve, reject) => {
    worker.on('error', reject);
    worker.on('exit', resolve);
  });
}

function said(worker: Worker): Promise<unknown> {
  return new Promise((resolve, reject) => {
    worker.on('message', resolve);
    worker.on('error', reject);
  });
}

describe('workers', () => {
  it('P50 load the addon at once, use it and leave', async () => {
    const workers = Array.from({ length: 20 }, () => startWorker('handshake'));
    expect(await Promise.all(workers.map(exitOf))).toEqual(workers.map(() => 0));
  });

  it('P52 leave nothing behind, one after the other', async () => {
    const before = openDescriptors();
    for (let round = 0; round < 10; round += 1) expect(await exitOf(startWorker('handshake'))).toBe(0);
    await collectGarbage();
    expect(openDescriptors()).toEqual(before);
  });

  it.each(['watched', 'spinning-callback', 'blocked-write', 'half-handshake', 'closing', 'waiting'])(
    'P51 may be terminated: %s',
    async (scene) => {
      const workers = Array.from({ length: 5 }, () => startWorker(scene));
      const exits = workers.map(exitOf);
      await Promise.all(workers.map(said));
      await Promise.all(workers.map((worker) => worker.terminate()));
      expect(await Promise.all(exits)).toEqual([1, 1, 1, 1, 1]);
    },
  );

  it('P51 end by process.exit() from inside a callback', async () => {
    expect(await exitOf(startWorker('exit-in-callback'))).toBe(0);
  });

  it('hear of an exception in a callback as an error of the worker', async () => {
    await expect(exitOf(startWorker('throw-in-callback'))).rejects.toThrow('from the callback');
  });

  it('have counters and a last failure of their own', async () => {
    const worker = startWorker('own-state');
    const exit = exitOf(worker);
    expect(await said(worker)).toEqual({
      errno: 0,
      live: { epolls: 1, tlsContexts: 0, tlsSessions: 0, descriptors: 0 },
    });
    expect(await exit).toBe(0);
  });
});

describe('a process', () => {
  it('P50 that loads the addon in workers only ends without a crash', () => {
    const code = `
      const { Worker } = require('node:worker_threads');
      const data = JSON.parse(process.env.SCENARIO);
      let left = 4;
      for (let index = 0; index < 4; index += 1) {
        new Worker(data.scenario, { workerData: data }).on('exit', () => { if (--left === 0) console.log('done'); });
      }`;
    const data = {
      addon,
      scenario,
      scene: 'handshake',
      certificate: identity.certificate,
      key: identity.key,
    };
    const result = spawnSync(process.execPath, ['-e', code], {
      encoding: 'utf8',
      env: { ...process.env, SCENARIO: JSON.stringify(data) },
    });
    expect(result).toMatchObject({ status: 0, signal: null, stdout: 'done\n' });
  });

  it("P38 is not changed by OpenSSL's configuration file", () => {
    const folder = mkdtempSync(join(tmpdir(), 'sluice-openssl-'));
    const configuration = join(folder, 'openssl.cnf');
    writeFileSync(
      configuration,
      [
        'openssl_conf = start',
        '[start]',
        'ssl_conf = ssl',
        '[ssl]',
        'system_default = defaults',
        '[defaults]',
        'MaxProtocol = TLSv1.2',
        'CipherString = NONSENSE',
      ].join('\n'),
    );
    const data = { addon, scene: 'print-protocol', certificate: identity.certificate, key: identity.key };
    const run = (environment: NodeJS.ProcessEnv) =>
      spawnSync(process.execPath, [scenario], {
        encoding: 'utf8',
        env: { ...process.env, ...environment, SCENARIO: JSON.stringify(data) },
      });
    const result = run({
      OPENSSL_CONF: configuration,
      SSL_CERT_FILE: '/nonexistent',
      SSLKEYLOGFILE: join(folder, 'keys'),
    });
    rmSync(folder, { recursive: true });
    expect(result.stderr).toBe('');
    expect(result.stdout).toBe('TLSv1.3\n');
  });
});
