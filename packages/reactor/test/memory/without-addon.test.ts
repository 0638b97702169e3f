import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

const PROGRAM = fileURLToPath(new URL('../fixtures/tests-without-addon.ts', import.meta.url));

function run(signal: AbortSignal, ...args: string[]): Promise<{ stdout: string; stderr: string }> {
  const env = { ...process.env, SLUICE_ADDON: '/nowhere/sluice.node' };
  const command = ['--import', 'tsx', '--test-reporter', 'tap', PROGRAM, ...args];
  return promisify(execFile)(process.execPath, command, { env, signal });
}

test('connections in memory and the suite of a protocol need no addon', async ({ signal }) => {
  const { stdout, stderr } = await run(signal);
  expect(stdout).toMatch(/^# pass 16$/m);
  expect(stdout).toMatch(/^# fail 0$/m);
  expect(stderr).toBe('');
});

test('a test that is not finished makes its process fail, and is named with the place where it began', async ({
  signal,
}) => {
  const error = await run(signal, '--forget').catch((thrown: { code: number; stderr: string }) => thrown);
  expect(error).toMatchObject({ code: 1 });
  expect(error.stderr).toMatch(
    /What testConnection, connectedPair or new MemoryNetwork\(\) has made was never finished\. Begin with 'await using', or end with 'await … \.finish\(\)'\.\n[\s\S]*tests-without-addon\.ts:\d+/,
  );
});
