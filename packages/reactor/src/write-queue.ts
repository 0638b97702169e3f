/**
 * Bytes that one connection could not send yet, and files, in order.
 *
 * Rule: the front is never cut, moved together or overtaken: a transport that has seen it and answered a want must be
 * offered the same bytes again, at least as many (OpenSSL calls anything else a "bad length"). Appending is fine.
 */

import type { QueueTotals } from './counters.ts';
import { QueuedFile } from './queued-file.ts';

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
const NO_ENTRIES: readonly (Entry | QueuedFile)[] = [];

export class WriteQueue {
  private readonly totals: QueueTotals;
  private entries: readonly (Entry | QueuedFile)[] = NO_ENTRIES;
  private head = 0;
  private queued = 0;
  private copied = 0;
  /** Files in the queue. */
  fileCount = 0;

  constructor(totals: QueueTotals) {
    this.totals = totals;
  }

  /** Bytes in the queue, those of files not counted. */
  get bytes(): number {
    return this.queued;
  }

  get isEmpty(): boolean {
    return this.entries.length === 0;
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

  /** Puts a copy of `bytes` in front of everything. No transport may have seen what was the front. */
  prependCopy(bytes: Uint8Array): void {
    const entry = { bytes: Uint8Array.from(bytes), start: 0, end: bytes.length, ours: true };
    this.entries = [entry, ...this.entries.slice(this.head)];
    this.head = 0;
    this.count(bytes.length, true);
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

  appendFile(file: QueuedFile): void {
    this.append(file);
    this.fileCount += 1;
  }

  /** The front as the transport has to be offered it, or undefined when the queue is empty or a file is there. */
  front(): { readonly bytes: Uint8Array; readonly start: number; readonly end: number } | undefined {
    const entry = this.entries[this.head];
    return entry instanceof QueuedFile ? undefined : entry;
  }

  /** The file at the front. */
  frontFile(): QueuedFile | undefined {
    const entry = this.entries[this.head];
    return entry instanceof QueuedFile ? entry : undefined;
  }

  /** Whether what is behind the front is a short file that can be sent now. */
  get isShortFileNext(): boolean {
    if (this.fileCount === 0) return false;
    const entry = this.entries[this.head + 1];
    return entry instanceof QueuedFile && entry.isShort;
  }

  firstFile(): QueuedFile | undefined {
    if (this.fileCount === 0) return undefined;
    for (let at = this.head; at < this.entries.length; at += 1) {
      const entry = this.entries[at];
      if (entry instanceof QueuedFile) return entry;
    }
    return undefined;
  }

  /** All files, in order. */
  files(): readonly QueuedFile[] {
    if (this.fileCount === 0) return [];
    return this.entries.slice(this.head).filter((entry) => entry instanceof QueuedFile);
  }

  /** Removes the file at the front. */
  shiftFile(): void {
    this.fileCount -= 1;
    this.shift();
  }

  /** Removes `count` bytes that the transport has taken from the front entry. */
  consume(count: number): void {
    const entry = this.entries[this.head];
    if (entry === undefined || entry instanceof QueuedFile || count > entry.end - entry.start) {
      throw new RangeError(`${count} bytes were taken of a front that has fewer`);
    }
    entry.start += count;
    this.count(-count, entry.ours);
    if (entry.start === entry.end) this.shift();
  }

  private shift(): void {
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
    this.fileCount = 0;
    this.empty();
  }

  private append(entry: Entry | QueuedFile): void {
    if (this.entries === NO_ENTRIES) this.entries = [entry];
    else (this.entries as (Entry | QueuedFile)[]).push(entry);
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
    if (tail === undefined || tail instanceof QueuedFile || !tail.ours) return 0;
    const count = Math.min(end - start, tail.bytes.length - tail.end);
    tail.bytes.set(bytes.subarray(start, start + count), tail.end);
    tail.end += count;
    return count;
  }
}
