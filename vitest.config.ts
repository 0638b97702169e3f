import { configDefaults, defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    pool: 'forks',
    include: [
      'packages/*/test/**/*.test.ts',
      'examples/test/**/*.test.ts',
      'scripts/test/**/*.test.{ts,mjs}',
      'bench/test/**/*.test.ts',
    ],
    // These need another kernel: docs/lab.md.
    exclude: [...configDefaults.exclude, '**/*.lab.test.ts'],
    testTimeout: 30_000,
    hookTimeout: 30_000,
    retry: 0,
    allowOnly: false,
  },
});
