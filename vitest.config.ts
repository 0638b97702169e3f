import { availableParallelism } from 'node:os';
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
    // Left alone, vitest keeps a core for itself, which is half of what there is on a small machine. It sleeps while tests run.
    maxWorkers: availableParallelism(),
    testTimeout: 30_000,
    hookTimeout: 30_000,
    retry: 0,
    allowOnly: false,
  },
});
