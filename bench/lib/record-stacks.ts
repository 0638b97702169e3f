/**
 * Samples of where our server's CPU time goes while a suite loads it: perf(1), with the names of compiled JavaScript.
 *
 * Rule: what V8 and perf leave in the folder for temporary files is gone afterwards.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { BenchError } from './bench-error.ts';
import { type FoldedStacks, foldStacks } from './folded-stacks.ts';
import { ServerProcess } from './server-process.ts';
import type { Case, Load, Suite } from './suite.ts';

/** A prime, so that nothing which happens at a rate of its own is always or never seen. */
const SAMPLES_PER_SECOND = 997;
/** Frames of interpreted functions too, and a file with the names of all that is compiled (perf(1) knows where). */
const NAMED = 'NODE_OPTIONS=--perf-basic-prof --interpreted-frames-native-stack';
const MOST_SCRIPT_BYTES = 2 ** 29;

/** Rejects with {@link BenchError} where perf may not look. */
export async function recordStacks(suite: Suite, each: Case, load: Load): Promise<FoldedStacks> {
  const folder = await mkdtemp(join(tmpdir(), 'sluice-perf-'));
  const data = join(folder, 'perf.data');
  const command = suite.contenders[0].command(each, process.execPath);
  const server = await ServerProcess.start(
    'sluice',
    [...load.pinning.server, 'env', NAMED, ...command],
    load.signal,
  );
  try {
    await suite.measure(server, each, { ...load, seconds: 4 });
    const flags = [
      'record',
      '-q',
      '-F',
      `${SAMPLES_PER_SECOND}`,
      '-g',
      '-e',
      'cpu-clock',
      '-o',
      data,
      '-p',
      `${server.pid}`,
    ];
    const perf = spawn('perf', flags, { stdio: ['ignore', 'ignore', 'pipe'] });
    await suite.measure(server, each, load).finally(() => interrupted(perf));
    const { stdout } = await promisify(execFile)('perf', ['script', '-i', data, '-F', 'comm,ip,sym,dso'], {
      maxBuffer: MOST_SCRIPT_BYTES,
    });
    const stacks = foldStacks(stdout);
    if (stacks.size === 0)
      throw new BenchError('perf has seen nothing: sysctl kernel.perf_event_paranoid=1, or root');
    return stacks;
  } finally {
    await server.stop();
    await rm(folder, { recursive: true, force: true });
    await rm(join('/tmp', `perf-${server.pid}.map`), { force: true });
  }
}

/** SIGINT: it writes down what it has. */
async function interrupted(perf: ChildProcess): Promise<void> {
  if (perf.exitCode !== null) return;
  const ended = once(perf, 'exit');
  perf.kill('SIGINT');
  await ended;
}
