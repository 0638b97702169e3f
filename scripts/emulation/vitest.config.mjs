// vitest for an emulated run: the same test files, one after the other, with the patience that an emulator takes.
import { defineConfig } from 'vitest/config';
import base from '../../vitest.config.ts';

export default defineConfig({
  test: {
    ...base.test,
    include: ['packages/{core-native,reactor}/test/**/*.test.ts'],
    setupFiles: ['scripts/emulation/only-arm64.mjs'],
    // Each takes all of a core; two that are late at once are late for each other.
    fileParallelism: false,
    // A node that compiles a program takes ten seconds until that begins, and a minute on a machine that has more to do.
    testTimeout: 300_000,
    hookTimeout: 300_000,
    teardownTimeout: 60_000,
  },
});
