/** The processes that a server consists of. */
import { readFileSync } from 'node:fs';

/** `pid` and its living descendants. */
export function processTree(pid: number): number[] {
  return [pid, ...children(pid).flatMap(processTree)];
}

/** Children of the main thread: where a server forks its workers (proc_pid_task(5); empty without CONFIG_PROC_CHILDREN). */
function children(pid: number): number[] {
  try {
    const list = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8');
    return list.split(' ').filter(Boolean).map(Number);
  } catch {
    return [];
  }
}
