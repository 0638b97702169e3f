import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

test('the suites run under node:test as they do here', async ({ signal }) => {
  const program = fileURLToPath(new URL('../fixtures/conformance-by-node-test.ts', import.meta.url));
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ['--import', 'tsx', '--test-reporter', 'tap', program],
    { signal },
  );
  expect(stdout).toMatch(/^# pass 91$/m);
  expect(stdout).toMatch(/^# fail 0$/m);
});
