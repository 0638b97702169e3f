/** A program of somebody else's, run to its end. */
import { startTool } from '@sluice-internal/foreign-programs';
import { expect } from 'vitest';

/** What it wrote to standard output. It has to end with 0; what it wrote to standard error is for who reads a failure. */
export async function runTool(command: string, args: readonly string[]): Promise<string> {
  const { child, ended } = startTool(command, args);
  child.stdin.end();
  const [pieces, { code, stderr }] = await Promise.all([child.stdout.toArray(), ended]);
  const stdout = Buffer.concat(pieces as Buffer[]).toString('utf8');
  expect({ code, stderr: code === 0 ? '' : `${stderr}\n${stdout}` }).toEqual({ code: 0, stderr: '' });
  return stdout;
}
