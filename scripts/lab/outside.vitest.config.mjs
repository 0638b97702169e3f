// vitest for the tests that boot the lab. Apart from the suite, which runs on several versions of Node: this runs once.
import { defineConfig } from 'vitest/config';
import base from '../../vitest.config.ts';

export default defineConfig({
  test: {
    ...base.test,
    include: ['scripts/lab/test/**/*.test.mjs'],
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
