import { readdirSync, readlinkSync } from 'node:fs';

/** What the open socket and epoll descriptors of this process point to; the same before and after a test. */
export function openSockets(): string[] {
  return readdirSync('/proc/self/fd')
    .map((fd) => linkOf(fd))
    .filter((link) => /^socket:|eventpoll/.test(link))
    .sort();
}

/** A descriptor may be gone between the listing and the look (the listing's own one is). */
function linkOf(fd: string): string {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`);
  } catch {
    return '';
  }
}
