// vitest for a run with sanitizers: the same test files, in processes that end by themselves.
import { defineConfig } from 'vitest/config';
import base from '../../vitest.config.ts';
import { drainedForks } from './drained-forks.mjs';

export default defineConfig({
  test: {
    ...base.test,
    include: ['packages/{core-native,reactor,tls}/test/**/*.test.ts', 'scripts/sanitizers/planted.test.mjs'],
    pool: drainedForks(process.env.SLUICE_SANITIZER_REPORTS),
    setupFiles: ['scripts/sanitizers/nothing-alive.mjs'],
    // Slower than usual, on a machine that may be slow itself.
    testTimeout: 120_000,
    hookTimeout: 120_000,
    // The one limit that vitest sets to the end of a worker must not come before ours.
    teardownTimeout: 60_000,
  },
});
