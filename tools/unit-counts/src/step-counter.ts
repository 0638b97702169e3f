/**
 * Instructions that the main thread of a server executes in user space, counted one by one (ptrace(2)): exact, also where
 * there is no hardware counter, and a thousand times slower than running.
 *
 * Rule: the program that counts is ended by its own process id, and the server goes on.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { CountedServer } from './counted-server.ts';
import { BUILD } from './counting.ts';
import type { Unit } from './units.ts';

/** `Place` of packages/core-native/native/testing/count_steps.cc, behind `kStarted`. */
const PLACES = ['compiled', 'node', 'addon', 'cLibrary', 'other'] as const;

/** Instructions of one unit, by where they are. */
export type StepCounts = {
  /**
   * `compiled`: code that V8 has made of JavaScript. `node`: V8 with its builtins and collector, libuv, Node. `addon`: ours,
   * OpenSSL included.
   */
  readonly [Place in (typeof PLACES)[number]]: number;
};

/** Of `unit`, the mean of `units` of them. Rejects, with what was said, where the server may not be traced. */
export async function countSteps(server: CountedServer, unit: Unit, units: number): Promise<StepCounts> {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-steps-'));
  const path = join(folder, 'counts');
  writeFileSync(path, '');
  const child = spawn(fileURLToPath(new URL('sluice_steps', BUILD)), [String(server.pid), path], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said += text;
  });
  const ended = once(child, 'exit');
  try {
    while ((readCounts(path)[0] ?? 0) === 0) {
      if (child.exitCode !== null) throw new Error(said.trim() || 'the counting of instructions has ended');
      await turn();
    }
    // The first one still has the begin of it in it.
    await unit.run();
    const before = readCounts(path);
    for (let done = 0; done < units; done += 1) await unit.run();
    const after = readCounts(path);
    const mean = (index: number) => ((after[index] ?? 0) - (before[index] ?? 0)) / units;
    return Object.fromEntries(PLACES.map((place, index) => [place, mean(index + 1)])) as StepCounts;
  } finally {
    if (child.exitCode === null) child.kill('SIGTERM');
    await ended;
    rmSync(folder, { recursive: true, force: true });
  }
}

function readCounts(path: string): number[] {
  const bytes = readFileSync(path);
  return Array.from({ length: Math.floor(bytes.length / 8) }, (_, index) =>
    Number(bytes.readBigUInt64LE(8 * index)),
  );
}
