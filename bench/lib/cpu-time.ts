/**
 * CPU time that a server used, in user and kernel mode, as the kernel counts it.
 *
 * Rule: it is the cost of the work whoever else was running, which no clock on the wall tells.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { processTree } from './process-tree.ts';

/** Seconds that process `pid` and its living descendants have used so far, all threads together. */
export function cpuSeconds(pid: number): number {
  const used = processTree(pid).map((one) => parseStatTicks(readFileSync(`/proc/${one}/stat`, 'utf8')));
  return used.reduce((total, each) => total + each, 0) / ticksPerSecond();
}

/** utime + stime, in clock ticks, of a line of /proc/PID/stat (proc_pid_stat(5), fields 14 and 15). */
export function parseStatTicks(stat: string): number {
  // The second field is the program's name in parentheses and may hold blanks and parentheses itself.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return Number(fields[11]) + Number(fields[12]);
}

let ticks: number | undefined;

function ticksPerSecond(): number {
  ticks ??= Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }));
  return ticks;
}
