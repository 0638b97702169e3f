/** What a socket has received and nobody wants, before it is closed. */
import type { NativeBinding } from '@sluice/core-native';

/** Enough for what a peer sends before it looks for an answer; bounded, so that it cannot hold the thread. */
const MOST_READS = 8;
const scratch = new Uint8Array(16 * 1024);

/**
 * Reads and forgets what is there. close(2) with unread input sends a reset instead of the end (RFC 2525 section 2.17),
 * which destroys what the peer has not read yet: the alert that tells it why.
 */
export function dropInput(native: Pick<NativeBinding, 'recv'>, fd: number): void {
  for (let reads = 0; reads < MOST_READS; reads += 1) {
    if (native.recv(fd, scratch, 0, scratch.length) <= 0) return;
  }
}
