/** What this process holds, as the kernel and the addon count it; tests compare before and after. */
import { readdirSync, readFileSync } from 'node:fs';
import { loadNative } from '@sluice/core-native';

/** Open descriptors of this process, the one that lists them not counted. */
export function openDescriptors(): number {
  return readdirSync('/proc/self/fd').length - 1;
}

/** How many descriptors this process may have (Node raises its soft limit to the hard one when it starts). */
export function descriptorLimit(): number {
  const [, soft] = /^Max open files\s+(\S+)/m.exec(readFileSync('/proc/self/limits', 'utf8')) ?? [];
  return soft === 'unlimited' ? Number.POSITIVE_INFINITY : Number(soft);
}

/** TLS sessions that the addon has not freed. */
export function liveSessions(): number {
  return loadNative().liveObjects().tlsSessions;
}
