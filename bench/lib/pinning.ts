/**
 * Keeps server and load apart: a core for each, so that neither's CPU time holds the other's cache misses.
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

/** The first core that this process may use for the server, the second for the load. */
export function choosePinning(): Pinning {
  if (findTool('taskset') === undefined) return unpinned('there is no taskset (apt-get install util-linux)');
  const allowed = /^Cpus_allowed_list:\s*(\S+)$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? '';
  const [first, second] = parseCpuList(allowed);
  if (first === undefined || second === undefined) return unpinned('there is only one core to use');
  return { server: ['taskset', '-c', `${first}`], load: ['taskset', '-c', `${second}`], note: undefined };
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
