// Mistakes planted on purpose (packages/core-native/native/testing/planted_faults.cc): each run with sanitizers proves by
// them that it would see a real one.
import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { expect, it } from 'vitest';

const native = createRequire(import.meta.url)(process.env.SLUICE_ADDON);

// In this very worker: scripts/sanitizers/reports.mjs demands to see it, found the way that any test's leak would be.
native.plantedFaults.leak();

/** Makes the mistake in a process of its own; its report comes on standard error, away from the ones that count. */
function report(fault) {
  const code = `require(process.env.SLUICE_ADDON).plantedFaults.${fault}()`;
  const { status, signal, stderr } = spawnSync(process.execPath, ['-e', code], {
    encoding: 'utf8',
    env: {
      ...process.env,
      ASAN_OPTIONS: process.env.ASAN_OPTIONS.replace(/log_path=[^:]*/, 'log_path=stderr'),
      UBSAN_OPTIONS: process.env.UBSAN_OPTIONS.replace(/log_path=[^:]*/, 'log_path=stderr'),
    },
  });
  return { stderr, failed: status !== 0 || signal !== null };
}

it('a use after free ends the process and is reported, with the lines of the use, the delete and the new', () => {
  const { stderr, failed } = report('useAfterFree');
  expect(failed).toBe(true);
  expect(stderr).toContain('AddressSanitizer: heap-use-after-free');
  const [used, freed, allocated] = stderr.split(/freed by thread|previously allocated by thread/);
  expect(used).toMatch(/#0 .* in UseAfterFree .*planted_faults\.cc:\d+/);
  expect(freed).toMatch(/#1 .* in UseAfterFree .*planted_faults\.cc:\d+/);
  expect(allocated).toMatch(/#1 .* in UseAfterFree .*planted_faults\.cc:\d+/);
});

it('a read beyond the end ends the process and is reported, with file and line', () => {
  const { stderr, failed } = report('overflow');
  expect(failed).toBe(true);
  expect(stderr).toMatch(/heap-buffer-overflow[\s\S]*?#0 .* in Overflow .*planted_faults\.cc:\d+/);
});

it('undefined behavior ends the process and is reported, with file and line', () => {
  const { stderr, failed } = report('undefinedBehavior');
  expect(failed).toBe(true);
  expect(stderr).toMatch(/planted_faults\.cc:\d+:\d+: runtime error: signed integer overflow/);
});

it('a leak is reported by a process that ends by itself, with file and line', () => {
  expect(report('leak').stderr).toMatch(
    /LeakSanitizer: detected memory leaks[\s\S]*?#1 .* in Leak .*planted_faults\.cc:\d+/,
  );
});
