/** redis-benchmark, the load generator of Redis: one run of it and what it reports. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { BenchError } from './bench-error.ts';

export interface RedisBenchmarkOptions {
  readonly host: string;
  readonly port: string;
  /** Of its tests (`-t`), one that is measured by itself. */
  readonly command: string;
  readonly requests: number;
  readonly connections: number;
  /** How many commands a connection sends before it waits for their answers. */
  readonly pipelined: number;
  /** Put in front of the command line: taskset and its arguments. */
  readonly prefix: readonly string[];
  readonly signal: AbortSignal;
}

/** Resolves with commands a second. Rejects with {@link BenchError} when it met a failure. */
export async function runRedisBenchmark(options: RedisBenchmarkOptions): Promise<number> {
  const { host, port, command, requests, connections, pipelined, prefix, signal } = options;
  const flags = ['-h', host, '-p', port, '-t', command, '-n', `${requests}`, '-c', `${connections}`];
  const [program = '', ...args] = [
    ...prefix,
    'redis-benchmark',
    ...flags,
    '-P',
    `${pipelined}`,
    '--csv',
    '-e',
  ];
  const { stdout, stderr } = await promisify(execFile)(program, args, { signal, killSignal: 'SIGKILL' });
  return parseRedisBenchmark(stdout, stderr);
}

/** What a report (`--csv`) of one test says. Throws {@link BenchError} when it is none. */
export function parseRedisBenchmark(text: string, complaints: string): number {
  const rate = Number(/^"[\w ()]+","([\d.]+)"/m.exec(text)?.[1]);
  // Without an answer to CONFIG it warns and measures all the same.
  const trouble = complaints.split('\n').filter((line) => line !== '' && !line.startsWith('WARN'));
  if (rate > 0 && trouble.length === 0) return rate;
  throw new BenchError(`redis-benchmark met a failure: ${trouble.join(' ') || text}`);
}
