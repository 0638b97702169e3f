/** How much memory a process has needed at most. */
import { readFileSync } from 'node:fs';

/** VmHWM of proc(5): the largest resident set so far. */
export function peakMemoryBytes(pid: number): number {
  const [, kibibytes] = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
  return Number(kibibytes) * 1024;
}
