/**
 * Memory of a server, as the kernel counts it.
 *
 * Rule: pages of its own only. Those of files (its binary first) come and go as the kernel likes.
 */
import { readFileSync } from 'node:fs';
import { processTree } from './process-tree.ts';

/** RssAnon of process `pid` and its living descendants, in bytes. */
export function residentBytes(pid: number): number {
  return processTree(pid)
    .map((one) => parseRssAnon(readFileSync(`/proc/${one}/status`, 'utf8')))
    .reduce((total, bytes) => total + bytes, 0);
}

/** RssAnon of a /proc/PID/status (proc_pid_status(5)), in bytes. */
export function parseRssAnon(status: string): number {
  return Number(/^RssAnon:\s+(\d+) kB$/m.exec(status)?.[1]) * 1024;
}
