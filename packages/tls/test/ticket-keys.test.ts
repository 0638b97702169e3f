/** The ring of ticket keys: who opens whose tickets, and for how long. */
import { fork } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { setImmediate } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { UsageError } from '@sluice/reactor';
import { type TicketKeys, type TicketKeysOptions, ticketKeys } from '@sluice/tls';
import { afterEach, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import type { Ticketed } from './fixtures/ticketed-server.ts';
import { type Credentials, makeCertificate } from './support/certificate.ts';
import { echoServer } from './support/echo-server.ts';
import { isResumed, renewedSession, sessionFrom } from './support/resumption.ts';

const SERVER = fileURLToPath(new URL('fixtures/ticketed-server.ts', import.meta.url));
// A worker of Node 20 gets no loader by --import tsx; this registers one in every thread.
const FLAGS = ['--import', new URL('../../../scripts/register-typescript.mjs', import.meta.url).href];
const VERSIONS = ['TLSv1.2', 'TLSv1.3'] as const;

let credentials: Credentials;
beforeAll(async () => {
  credentials = await makeCertificate();
});

afterEach(() => ticketKeys.configure({ previous: 2, rotateEveryMs: 0 }));

describe.each(VERSIONS)('tickets of %s', (version) => {
  const get = (port: number) => sessionFrom(port, credentials.cert, version);
  const offer = (port: number, session: Buffer) => isResumed(port, credentials.cert, version, session);

  it('open after as many rotations as keys are kept beside the newest, and not after one more', async () => {
    const { port } = await echoServer(credentials);
    const session = await get(port);
    const outcomes: boolean[] = [];
    for (let rotations = 0; rotations <= 3; rotations += 1) {
      outcomes.push(await offer(port, session));
      ticketKeys.rotate();
    }
    expect(outcomes).toEqual([true, true, true, false]);
  });

  it('are of no use after one rotation where no key is kept', async () => {
    ticketKeys.configure({ previous: 0 });
    const { port } = await echoServer(credentials);
    const session = await get(port);
    expect(await offer(port, session)).toBe(true);
    ticketKeys.rotate();
    expect(await offer(port, session)).toBe(false);
  });

  it('are renewed with the newest key where an older one opened them', async () => {
    const { port } = await echoServer(credentials);
    let session = await get(port);
    for (let rotations = 0; rotations < 6; rotations += 1) {
      ticketKeys.rotate();
      session = await renewedSession(port, credentials.cert, version, session);
    }
  });

  it('of one worker open in another, and here', async () => {
    const [first, second] = await Promise.all([inWorker(credentials), inWorker(credentials)]);
    const { port } = await echoServer(credentials);
    const session = await get(first);
    expect(await offer(second, session)).toBe(true);
    expect(await offer(port, session)).toBe(true);
  });

  it('of one process open in another that has the same keys, and in no other', async () => {
    const keys = [randomBytes(80).toString('hex')];
    const [first, second, stranger] = await Promise.all([
      inProcess({ ...credentials, keys }),
      inProcess({ ...credentials, keys }),
      inProcess(credentials),
    ]);
    const session = await get(first);
    expect(await offer(second, session)).toBe(true);
    expect(await offer(stranger, session)).toBe(false);
  });
});

describe('the ring', () => {
  it('is read and set as keys of 80 bytes, the newest first', () => {
    const keys = [randomBytes(80), randomBytes(80)];
    ticketKeys.set(keys);
    expect(ticketKeys.export()).toEqual(keys);
    ticketKeys.rotate();
    const rotated = ticketKeys.export();
    expect(rotated.slice(1)).toEqual(keys);
    expect(rotated[0]).not.toEqual(keys[0]);
    ticketKeys.rotate();
    expect(ticketKeys.export()).toEqual([expect.any(Buffer), rotated[0], keys[0]]);
    ticketKeys.configure({ previous: 0 });
    expect(ticketKeys.export()).toHaveLength(1);
  });

  it('keeps copies: what a caller does with his bytes afterwards changes nothing', () => {
    const key = randomBytes(80);
    const kept = Buffer.from(key);
    ticketKeys.set([key]);
    key.fill(0);
    ticketKeys.export()[0]!.fill(0);
    expect(ticketKeys.export()).toEqual([kept]);
  });

  it('rotates by itself, once a period however many ask for it', async () => {
    const [before] = ticketKeys.export();
    ticketKeys.configure({ rotateEveryMs: 1 });
    while (ticketKeys.export()[0]!.equals(before!)) await setImmediate();
    ticketKeys.configure({ rotateEveryMs: 0 });
    const [after] = ticketKeys.export();
    await setImmediate();
    expect(ticketKeys.export()[0]).toEqual(after);
  });

  const other = randomBytes(80);
  const WRONG: [string, (keys: TicketKeys) => void][] = [
    ['no key', (keys) => keys.set([])],
    ['a short key', (keys) => keys.set([randomBytes(79)])],
    ['17 keys', (keys) => keys.set(Array.from({ length: 17 }, () => randomBytes(80)))],
    ['a key twice', (keys) => keys.set([other, other])],
    ['text', (keys) => keys.set(['x'.repeat(80) as unknown as Uint8Array])],
  ];
  it.each(WRONG)('refuses %s', (_what, attempt) => {
    const before = ticketKeys.export();
    expect(() => attempt(ticketKeys)).toThrow(UsageError);
    expect(() => attempt(ticketKeys)).toThrow(
      expect.objectContaining({
        code: 'ERR_OPTION_VALUE',
        message: expect.stringContaining('ticketKeys.set needs 1 to 16 keys'),
      }),
    );
    expect(ticketKeys.export()).toEqual(before);
  });

  it.each([
    [{ previous: 16 }, 'ERR_OPTION_VALUE', 'previous must be an integer from 0 to 15, not 16.'],
    [
      { rotateEveryMs: -1 },
      'ERR_OPTION_VALUE',
      'rotateEveryMs must be an integer from 0 to 2147483647, not -1.',
    ],
    [{ rotate: 1 }, 'ERR_UNKNOWN_OPTION', "ticketKeys.configure has no option 'rotate'."],
  ])('refuses the options %j', (wrong, code, message) => {
    const options = wrong as TicketKeysOptions;
    expect(() => ticketKeys.configure(options)).toThrow(UsageError);
    expect(() => ticketKeys.configure(options)).toThrow(
      expect.objectContaining({ code, message: expect.stringContaining(message) }),
    );
  });
});

async function inWorker(scene: Ticketed): Promise<number> {
  const worker = new Worker(SERVER, { workerData: scene, execArgv: FLAGS });
  onTestFinished(async () => {
    worker.postMessage('end');
    await once(worker, 'exit');
  });
  const [port] = (await once(worker, 'message')) as [number];
  return port;
}

async function inProcess(scene: Ticketed): Promise<number> {
  const child = fork(SERVER, { execArgv: FLAGS, env: { ...process.env, SCENE: JSON.stringify(scene) } });
  onTestFinished(async () => {
    child.send('end');
    await once(child, 'exit');
  });
  const [port] = (await once(child, 'message')) as [number];
  return port;
}
