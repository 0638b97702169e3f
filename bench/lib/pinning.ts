/**
 * Where server and load run. Apart: a core for each, so that neither's CPU time holds the other's cache misses. On one core,
 * each undisturbed by the other until it has nothing left to do: then the server finds all connections ready, as a busy one does.
 * Apart, a server of tiny answers that costs less than the load that asks it spends the difference on looking for work, and its
 * figure is the load's.
 *
 * Rule: where it cannot be done the figures are still right to compare, and the report says that it was not done.
 */
import { readFileSync } from 'node:fs';
import { findTool } from './tools.ts';

export interface Pinning {
  /** To be put in front of a command line. */
  readonly server: readonly string[];
  readonly load: readonly string[];
  /** Why nothing is pinned; undefined when it is. */
  readonly note: string | undefined;
}

/** How names of cases end in which server and load share a core. */
const ONE_CORE = ', one core';

/** The cores for a case. */
export function pinningOf(name: string): Pinning {
  return name.endsWith(ONE_CORE) ? chooseOneCore() : choosePinning();
}

/** The first core that this process may use for both. */
function chooseOneCore(): Pinning {
  for (const tool of ['taskset', 'chrt']) if (findTool(tool) === undefined) return unpinned(missing(tool));
  const [first = 0] = allowedCpus();
  // A batch process is not interrupted by another that wakes up (sched(7), SCHED_BATCH).
  const both = ['taskset', '-c', `${first}`, 'chrt', '--batch', '0'];
  return { server: both, load: both, note: undefined };
}

/** The first core that this process may use for the server, the second for the load. */
export function choosePinning(): Pinning {
  if (findTool('taskset') === undefined) return unpinned(missing('taskset'));
  const [first, second] = allowedCpus();
  if (first === undefined || second === undefined) return unpinned('there is only one core to use');
  return { server: ['taskset', '-c', `${first}`], load: ['taskset', '-c', `${second}`], note: undefined };
}

function missing(tool: string): string {
  return `there is no ${tool} (apt-get install util-linux)`;
}

function allowedCpus(): number[] {
  return parseCpuList(
    /^Cpus_allowed_list:\s*(\S+)$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? '',
  );
}

/** `0-2,5` as the kernel writes lists of processors (cpuset(7), List Format). */
export function parseCpuList(text: string): number[] {
  return text.split(',').flatMap((part) => {
    const [from = '', to = from] = part.split('-');
    if (from === '') return [];
    return Array.from({ length: Number(to) - Number(from) + 1 }, (_, index) => Number(from) + index);
  });
}

function unpinned(why: string): Pinning {
  return { server: [], load: [], note: `server and load are not pinned to cores of their own: ${why}` };
}
