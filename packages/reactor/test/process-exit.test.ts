import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

test('a process with nothing open exits by itself', async () => {
  const program = fileURLToPath(new URL('fixtures/leaves-nothing-open.ts', import.meta.url));
  // Killed, and so rejected, if it stays.
  const { stdout } = await promisify(execFile)(process.execPath, ['--import', 'tsx', program], {
    timeout: 20_000,
  });
  expect(stdout).toBe('got ping\nclosed clean\n');
});
