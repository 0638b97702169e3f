/**
 * Bytes that one protocol has read of a connection and that belong to the next: they come before anything from the
 * socket.
 *
 * Rule: they are copies, for whoever hands them over holds a borrowed view. None is delivered twice.
 */
import { Buffer } from 'node:buffer';

const NOTHING = Buffer.alloc(0);

export class HandedBytes {
  private bytes: Uint8Array = NOTHING;

  /** What has not been delivered. */
  get left(): Uint8Array {
    return this.bytes;
  }

  /** Puts a copy of `head`, which came first, in front of what is left of another. */
  add(head: Uint8Array): void {
    if (head.length > 0) this.bytes = Buffer.concat([head, this.bytes]);
  }

  /** Puts a copy of `bytes` behind what is left. */
  append(bytes: Uint8Array): void {
    this.bytes = Buffer.concat([this.bytes, bytes]);
  }

  /** Moves what there is room for into `buffer`. Returns how many that are; 0 when none are left. */
  moveInto(buffer: Uint8Array): number {
    const count = Math.min(this.bytes.length, buffer.length);
    if (count === 0) return 0;
    buffer.set(this.bytes.subarray(0, count));
    this.bytes = count === this.bytes.length ? NOTHING : this.bytes.subarray(count);
    return count;
  }

  clear(): void {
    this.bytes = NOTHING;
  }
}
