/**
 * Bytes that one connection could not send yet, in order.
 *
 * Rule: the front is never cut, moved together or overtaken: a transport that has seen it and answered a want must be
 * offered the same bytes again, at least as many (OpenSSL calls anything else a "bad length"). Appending is fine.
 */

/** Copies share blocks of this size, so that many small writes become few system calls. */
const BLOCK_BYTES = 16 * 1024;

interface Entry {
  bytes: Uint8Array;
  start: number;
  end: number;
  /** Whether `bytes` is a block of ours whose tail may still be filled. */
  readonly ours: boolean;
}

export class WriteQueue {
  private entries: Entry[] = [];
  private head = 0;
  private queued = 0;

  /** Bytes in the queue. */
  get bytes(): number {
    return this.queued;
  }

  get isEmpty(): boolean {
    return this.queued === 0;
  }

  /** Appends a copy of `bytes[start, end)`. */
  appendCopy(bytes: Uint8Array, start: number, end: number): void {
    if (start === end) return;
    const from = start + this.fillTail(bytes, start, end);
    if (from < end) {
      const block = Buffer.allocUnsafeSlow(Math.max(BLOCK_BYTES, end - from));
      block.set(bytes.subarray(from, end));
      this.entries.push({ bytes: block, start: 0, end: end - from, ours: true });
    }
    this.queued += end - start;
  }

  /** Appends `bytes[start, end)` by reference: it must not change until it has left. */
  appendShared(bytes: Uint8Array, start: number, end: number): void {
    if (start === end) return;
    this.entries.push({ bytes, start, end, ours: false });
    this.queued += end - start;
  }

  /** The front as the transport has to be offered it, or undefined when the queue is empty. */
  front(): { readonly bytes: Uint8Array; readonly start: number; readonly end: number } | undefined {
    return this.entries[this.head];
  }

  /** Removes `count` bytes that the transport has taken from the front entry. */
  consume(count: number): void {
    const entry = this.entries[this.head];
    if (entry === undefined || count > entry.end - entry.start) {
      throw new RangeError(`${count} bytes were taken of a front that has fewer`);
    }
    entry.start += count;
    this.queued -= count;
    if (entry.start < entry.end) return;
    this.head += 1;
    if (this.head === this.entries.length) this.clear();
    // Dropping the spent entries now and then keeps a queue that is never empty from growing without end.
    else if (this.head === 64) {
      this.entries = this.entries.slice(64);
      this.head = 0;
    }
  }

  clear(): void {
    this.entries = [];
    this.head = 0;
    this.queued = 0;
  }

  /** Puts what fits into the tail's spare room; returns how many bytes that were. */
  private fillTail(bytes: Uint8Array, start: number, end: number): number {
    const tail = this.entries.at(-1);
    if (tail === undefined || !tail.ours || this.head === this.entries.length) return 0;
    const count = Math.min(end - start, tail.bytes.length - tail.end);
    tail.bytes.set(bytes.subarray(start, start + count), tail.end);
    tail.end += count;
    return count;
  }
}
