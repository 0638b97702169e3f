/** Reactors whose worker or process ends in the middle of what they do. */
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { Worker } from 'node:worker_threads';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Scene } from './fixtures/life.ts';
import { type Credentials, makeCertificate } from './support/certificate.ts';
import { openDescriptors } from './support/process-state.ts';

const LIFE = fileURLToPath(new URL('fixtures/life.ts', import.meta.url));
// A worker of Node 20 gets no loader by --import tsx; this registers one in every thread.
const FLAGS = ['--import', new URL('../../../scripts/register-typescript.mjs', import.meta.url).href];

const HOOKS = ['onClientHello', 'onOpen', 'onData', 'onDrain', 'onEnd', 'onClose', 'onTimeout'];
const EXIT_CODE = 7;
const TERMINATED = 1;

let credentials: Credentials;
beforeAll(async () => {
  credentials = await makeCertificate();
});

describe('workers with reactors in the middle of handshakes and blocked writes', () => {
  it('P51 P52 P53 a hundred reactors come and go, however their workers end, and leave no descriptor', async () => {
    const before = openDescriptors();
    const exits: Record<string, unknown>[] = [];
    for (let round = 0; round < 3; round += 1) {
      const [wait, spin, stop] = await Promise.all([
        endOfWorker('wait', 12),
        endOfWorker('spin', 12),
        endOfWorker('stop', 12),
      ]);
      exits.push({ wait, spin, stop });
    }
    // The two contexts are the program's; reactors and connections are gone.
    const nothing = { epolls: 0, tlsContexts: 2, tlsSessions: 0, descriptors: 0 };
    const round = {
      wait: { code: TERMINATED, said: ['ready'] },
      spin: { code: TERMINATED, said: ['ready'] },
      stop: { code: 0, said: [nothing] },
    };
    expect(exits).toEqual([round, round, round]);
    expect(openDescriptors()).toBe(before);
  });

  it('P51 process.exit() in each hook ends the worker', async () => {
    const before = openDescriptors();
    const exits = await Promise.all(HOOKS.map((hook) => endOfWorker(hook, 1)));
    expect(exits).toEqual(HOOKS.map(() => ({ code: EXIT_CODE, said: [] })));
    expect(openDescriptors()).toBe(before);
  });
});

describe('a process with reactors in the middle of handshakes and blocked writes', () => {
  it('P51 ends by process.exit() in each hook, with that code, no signal and nothing said', async () => {
    const ends = await Promise.all(HOOKS.map(endOfProcess));
    expect(ends).toEqual(HOOKS.map((hook) => ({ hook, code: EXIT_CODE, signal: null, stderr: '' })));
  });
});

const sceneOf = (name: string, reactors: number): Scene => ({
  ...credentials,
  name,
  reactors,
  exitCode: EXIT_CODE,
});

/** Plays a scene in a worker, which is terminated when it says that it is ready; answers what it said and its exit code. */
async function endOfWorker(name: string, reactors: number): Promise<{ code: number; said: unknown[] }> {
  const worker = new Worker(LIFE, { workerData: sceneOf(name, reactors), execArgv: FLAGS });
  const said: unknown[] = [];
  worker.on('message', (message) => {
    said.push(message);
    if (message === 'ready') void worker.terminate();
  });
  const [code] = (await once(worker, 'exit')) as [number];
  return { code, said };
}

async function endOfProcess(hook: string) {
  const env = { ...process.env, SCENE: JSON.stringify(sceneOf(hook, 1)) };
  const running = promisify(execFile)(process.execPath, [...FLAGS, LIFE], { env, timeout: 60_000 });
  const { code, signal, stderr } = (await running.catch((error: unknown) => error)) as {
    code: unknown;
    signal: unknown;
    stderr: string;
  };
  return { hook, code, signal, stderr };
}
