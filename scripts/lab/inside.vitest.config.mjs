// vitest for the tests that run in the lab, where there is one CPU, and a slow one.
import { defineConfig } from 'vitest/config';
import base from '../../vitest.config.ts';

const { exclude: _isForTheHost, ...test } = base.test;

export default defineConfig({
  test: {
    ...test,
    include: ['packages/*/test/**/*.lab.test.ts'],
    // A file may make the network bad, and there is one network.
    fileParallelism: false,
    testTimeout: 120_000,
    hookTimeout: 120_000,
  },
});
