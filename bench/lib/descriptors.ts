/**
 * Descriptors for suites that open many connections. Node raises its soft limit to the hard one by itself; the hard one
 * is raised here, for the processes of the run, where we may.
 */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { BenchError } from './bench-error.ts';

/**
 * What to put in front of a command line so that its process may have `count` descriptors: nothing, or `prlimit`.
 * Throws {@link BenchError} where they cannot be had.
 */
export function withDescriptors(
  count: number,
  limits: string = readFileSync('/proc/self/limits', 'utf8'),
): readonly string[] {
  const hard = hardLimit(limits);
  if (hard >= count) return [];
  const raise = ['prlimit', `--nofile=${count}:${count}`];
  const [program = '', ...args] = raise;
  if (spawnSync(program, [...args, 'true']).status === 0) return raise;
  throw new BenchError(
    `this takes ${count} descriptors in one process, and ${hard} are allowed here. ` +
      `As root: ulimit -n ${count}; for good: "* hard nofile ${count}" in /etc/security/limits.conf, and a new login`,
  );
}

/** The hard limit as proc_pid_limits(5) prints it. */
export function hardLimit(limits: string): number {
  const [, hard = ''] = /^Max open files\s+\S+\s+(\S+)/m.exec(limits) ?? [];
  return hard === 'unlimited' ? Number.POSITIVE_INFINITY : Number(hard);
}
