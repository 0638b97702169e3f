/** A contender's server for the length of a test. */
import { expect } from 'vitest';
import { ServerProcess } from '../../lib/server-process.ts';
import type { Case, Contender } from '../../lib/suite.ts';

process.env['SLUICE_BENCH_FETCH'] = '0';
const { signal } = new AbortController();

/**
 * Runs `work` with the server of `contender`, which is gone afterwards. Answers why it could not: what a contender runs on is
 * not everywhere to be had.
 */
export async function withServer(
  contender: Contender,
  each: Case,
  work: (server: ServerProcess) => Promise<void>,
): Promise<string | undefined> {
  const runtime = await contender.runtime.find().catch((error: Error) => error);
  if (runtime instanceof Error) return runtime.message;
  const server = await ServerProcess.start(contender.name, contender.command(each, runtime.program), signal);
  try {
    await work(server);
  } finally {
    await server.stop();
  }
  expect(() => process.kill(server.pid, 0)).toThrowError(/ESRCH/);
  return undefined;
}
