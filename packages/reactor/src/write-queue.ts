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
  /** Whether `bytes` is memory of ours: it counts, and what room its tail has may be filled. */
  readonly ours: boolean;
}

/** Entries of every queue that has none: most connections wait for nothing most of the time. */
const NO_ENTRIES: readonly Entry[] = [];

/** What the queues of one reactor hold together. */
export interface QueueTotals {
  /** Bytes that wait in any queue. */
  queuedBytes: number;
  /** Those of them that are copies; the rest belongs to callers of `writeShared`. */
  copiedBytes: number;
}

export class WriteQueue {
  private readonly totals: QueueTotals;
  private entries: readonly Entry[] = NO_ENTRIES;
  private head = 0;
  private queued = 0;
  private copied = 0;

  constructor(totals: QueueTotals) {
    this.totals = totals;
  }

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
      this.append({ bytes: block, start: 0, end: end - from, ours: true });
    }
    this.count(end - start, true);
  }

  /** Appends `bytes[start, end)`, an allocation of its own that nobody else has. */
  appendOwned(bytes: Uint8Array, start: number, end: number): void {
    if (start === end) return;
    this.append({ bytes, start, end, ours: true });
    this.count(end - start, true);
  }

  /** Appends `bytes[start, end)` by reference: it must not change until it has left. */
  appendShared(bytes: Uint8Array, start: number, end: number): void {
    if (start === end) return;
    this.append({ bytes, start, end, ours: false });
    this.count(end - start, false);
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
    this.count(-count, entry.ours);
    if (entry.start < entry.end) return;
    this.head += 1;
    if (this.head === this.entries.length) this.empty();
    // Dropping the spent entries now and then keeps a queue that is never empty from growing without end.
    else if (this.head === 64) {
      this.entries = this.entries.slice(64);
      this.head = 0;
    }
  }

  clear(): void {
    this.totals.queuedBytes -= this.queued;
    this.totals.copiedBytes -= this.copied;
    this.queued = 0;
    this.copied = 0;
    this.empty();
  }

  private append(entry: Entry): void {
    if (this.entries === NO_ENTRIES) this.entries = [entry];
    else (this.entries as Entry[]).push(entry);
  }

  private empty(): void {
    this.entries = NO_ENTRIES;
    this.head = 0;
  }

  private count(bytes: number, ours: boolean): void {
    this.queued += bytes;
    this.totals.queuedBytes += bytes;
    if (!ours) return;
    this.copied += bytes;
    this.totals.copiedBytes += bytes;
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
