#!/usr/bin/env node
// `npm run faults`: the echo and HTTP exchanges, plain and TLS, under seeds of fault injection (docs/testing.md).
//   --seeds N   how many (200)        --first N   from which on (1)        --seed N   this one only
//   --suite     the test suite instead, under one seed or as many as --seeds says; anything else goes to vitest
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { runAsCommand } from '../packages/core-native/scripts/command.mjs';
import { SetupError } from '../packages/core-native/scripts/setup-error.mjs';
import { EXCLUDED_FILES, FOLDERS, titlePattern } from './fault-exclusions.mjs';
import { ROOT } from './root.mjs';
import { setup } from './setup.mjs';
import { runTool } from './tool.mjs';
import { runVitest } from './vitest-run.mjs';

/** Runs `seeds` seeds from `first` on in one process; resolves with its exit code, 0 when none failed. */
export function runSeeds({ first, seeds }) {
  return underFaults({ seed: first, rates: {} }, async ({ env, control }) => {
    const preload = pathToFileURL(join(ROOT, 'scripts', 'register-typescript.mjs')).href;
    const program = join(ROOT, 'tools', 'fault-seeds', 'src', 'run-seeds.ts');
    const args = ['--import', preload, program, '--first', String(first), '--seeds', String(seeds)];
    const code = await runTool(process.execPath, args, { env: { ...process.env, ...env } });
    // Asked of the control file: a crash tells nothing.
    if (code !== 0) process.stdout.write(`\nrun it again: npm run faults -- --seed ${control.seed}\n`);
    return code;
  });
}

/** The suite under benign faults; resolves with the counts of its tests. Throws when nothing was injected. */
export async function runSuiteUnderFaults(seed, filters = []) {
  const { BENIGN } = await faultTools();
  // A listener reports a shortage, and most tests fail on anything that is reported: seeds have it instead.
  const rates = { ...BENIGN, acceptExhausted: 0 };
  return underFaults({ seed, rates }, async ({ env, control }) => {
    const excluded = EXCLUDED_FILES.flatMap((files) => ['--exclude', files]);
    const where =
      filters.length > 0 ? filters : [...FOLDERS, ...excluded, '--testNamePattern', titlePattern()];
    const counts = await runVitest(process.execPath, where, { env: { ...process.env, ...env } });
    const injected = Object.values(control.counts()).reduce((sum, count) => sum + count, 0);
    process.stdout.write(`${injected} faults injected into ${control.attached} processes, seed ${seed}\n`);
    if (injected === 0) throw new Error('no fault was injected: these tests prove nothing');
    if (counts.failed > 0) {
      process.stdout.write(`run it again: npm run faults -- --suite --seed ${seed}\n`);
    }
    process.stdout.write(`${counts.skipped} tests were left out: scripts/fault-exclusions.mjs says why\n`);
    // Those that are left out on purpose count as skipped in vitest's report; the suite itself tells of any other.
    return filters.length > 0 ? counts : { ...counts, skipped: 0 };
  });
}

/** The seed that the environment asks for, or the one of every CI run: a failure must come again. */
export function chosenSeed(env = process.env) {
  return wholeNumber('SLUICE_FAULT_SEED', env.SLUICE_FAULT_SEED, 1);
}

async function underFaults(options, action) {
  const { faultInjection } = await faultTools();
  const faults = faultInjection(options);
  try {
    return await action(faults);
  } finally {
    faults.close();
  }
}

/** The package's own API. It is TypeScript, which needs the dependencies installed: not imported before the set-up. */
async function faultTools() {
  await import('./register-typescript.mjs');
  return import('../packages/core-native/src/testing/index.ts');
}

function wholeNumber(name, text, fallback) {
  if (text === undefined || text === '') return fallback;
  if (/^\d{1,15}$/.test(text)) return Number(text);
  throw new SetupError(`${name} must be a whole number of 0 or more; it is "${text}"`);
}

/** The suite under one seed after another. Prints which failed; resolves with how many. */
async function runSuiteSeeds({ first, seeds, filters }) {
  const failed = [];
  const faulty = { tests: 0, failed: 0 };
  for (let seed = first; seed < first + seeds; seed += 1) {
    const counts = await runSuiteUnderFaults(seed, filters);
    faulty.tests += counts.passed + counts.failed;
    faulty.failed += counts.failed;
    if (counts.failed > 0) failed.push(seed);
  }
  const which = failed.length > 0 ? `: ${failed.join(' ')}` : '';
  process.stdout.write(
    `\n${seeds} seeds, ${faulty.tests} tests, ${faulty.failed} failed in ${failed.length} seeds${which}\n`,
  );
  return failed.length;
}

await runAsCommand(import.meta.url, async (args) => {
  const number = { type: 'string' };
  const options = { seeds: number, first: number, seed: number, suite: { type: 'boolean' } };
  const { values, positionals } = parseArgs({ args, options, allowPositionals: true });
  const seed = wholeNumber('--seed', values.seed, undefined);
  const usual = values.suite ? 1 : 200;
  const seeds = seed === undefined ? wholeNumber('--seeds', values.seeds, usual) : 1;
  const first = seed ?? wholeNumber('--first', values.first, values.suite ? chosenSeed() : 1);
  await setup();
  const failed = values.suite
    ? await runSuiteSeeds({ first, seeds, filters: positionals })
    : await runSeeds({ first, seeds });
  process.exitCode = failed === 0 ? 0 : 1;
});
