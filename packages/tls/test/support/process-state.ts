/** What this process holds, as the kernel and the addon count it; tests compare before and after. */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { loadNative } from '@sluice/core-native';

/** Open sockets and epolls of this process. Files come and go with what Node loads, whatever a test does. */
export function openDescriptors(): number {
  return readdirSync('/proc/self/fd').filter((fd) => /^socket:|eventpoll/.test(targetOf(fd))).length;
}

/** One may be gone between the listing and the look: the listing's own is. */
function targetOf(fd: string): string {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`);
  } catch {
    return '';
  }
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
