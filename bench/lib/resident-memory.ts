/**
 * Memory of a server, as the kernel counts it.
 *
 * Rule: pages of its own only. Those of files (its binary first) come and go as the kernel likes.
 */
import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { processTree } from './process-tree.ts';

const LOOK_MS = 200;
/** So many in a row that have brought no less. */
const QUIET_LOOKS = 5;
/** A page here and there comes and goes. */
const NOISE_BYTES = 256 * 1024;

/** RssAnon of process `pid` and its living descendants, in bytes. */
export function residentBytes(pid: number): number {
  return processTree(pid)
    .map((one) => parseRssAnon(readFileSync(`/proc/${one}/status`, 'utf8')))
    .reduce((total, bytes) => total + bytes, 0);
}

/**
 * The same when it has stopped to fall: what a server gives back it gives back little by little. For servers that cannot be
 * asked to collect their garbage.
 */
export async function settledResidentBytes(pid: number, signal: AbortSignal): Promise<number> {
  let least = residentBytes(pid);
  for (let quiet = 0; quiet < QUIET_LOOKS; ) {
    await delay(LOOK_MS, undefined, { signal });
    const now = residentBytes(pid);
    quiet = now < least - NOISE_BYTES ? 0 : quiet + 1;
    least = Math.min(least, now);
  }
  return least;
}

/** RssAnon of a /proc/PID/status (proc_pid_status(5)), in bytes. */
export function parseRssAnon(status: string): number {
  return Number(/^RssAnon:\s+(\d+) kB$/m.exec(status)?.[1]) * 1024;
}
