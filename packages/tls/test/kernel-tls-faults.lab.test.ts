/** Connections that the kernel seals and opens under system calls that fail, by the seeds of `npm run faults`. */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { FAULTS, faultInjection } from '@sluice/core-native/testing';
import { expect, it } from 'vitest';
import { kernelTlsCounts } from './support/kernel-tls-counts.ts';

const FIRST = 1;
const SEEDS = 20;
const root = (path: string) => fileURLToPath(new URL(`../../../${path}`, import.meta.url));

it(`P12 P17 P31 P44 ${SEEDS} seeds of echo, HTTP and files leave nothing undone`, () => {
  const before = kernelTlsCounts();
  const faults = faultInjection({ seed: FIRST, rates: {} });
  try {
    const program = [
      root('tools/fault-seeds/src/run-seeds.ts'),
      '--first',
      `${FIRST}`,
      '--seeds',
      `${SEEDS}`,
    ];
    const { status, stdout, stderr } = spawnSync(
      process.execPath,
      ['--import', root('scripts/register-typescript.mjs'), ...program],
      { env: { ...process.env, ...faults.env }, encoding: 'utf8' },
    );
    expect(stderr).toBe('');
    expect(status).toBe(0);
    expect(stdout).toContain(`${SEEDS} seeds from ${FIRST} on`);
    const counts = faults.control.counts();
    expect(FAULTS.filter((fault) => counts[fault] === 0)).toEqual([]);
  } finally {
    faults.close();
  }
  const after = kernelTlsCounts();
  expect(after.sealing - before.sealing).toBeGreaterThan(SEEDS);
  expect(after.opening - before.opening).toBeGreaterThan(SEEDS);
  // What was taken for a fault of the network was none of the kernel's cryptography.
  expect(after.unopened - before.unopened).toBe(0);
}, 120_000);
