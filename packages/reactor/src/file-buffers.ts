/**
 * The memory through which bytes of files pass where no system call moves them by itself.
 *
 * Rule: it is bounded. A connection holds one chunk at most, and only while bytes of its file are in it; few of these are long,
 * whoever holds them. All connections together share the scratch buffers, which nobody holds longer than a thread reads.
 */
import type { Counters } from './counters.ts';

/**
 * What a connection whose transport takes bytes has of its file in memory: sixteen TLS records, which leave in one send, while
 * few do; four otherwise, so that a thousand slow peers cost 64 KiB each. Four at a time cost a mebibyte a third more CPU
 * (docs/performance-notes.md).
 */
export const LONG_CHUNK_BYTES = 256 * 1024;
export const CHUNK_BYTES = 64 * 1024;
/** Long chunks at once: 4 MiB, and as many bytes sealed where the peers take nothing. */
export const LONG_CHUNKS = 16;
/**
 * A file up to this length leaves together with what is ahead of it (MSG_MORE), usually in one segment. Of a longer one the
 * segment saved is nothing, and holding the first back was measured to cost a fifth of a mebibyte's CPU over loopback.
 */
export const SHORT_BYTES = 16 * 1024;
/** What one sendfile(2) sends at most. */
export const PIECE_BYTES = 1024 * 1024;
/** What is read ahead of one that would have to wait for the disk. */
export const LOAD_BYTES = 256 * 1024;
/** As many as libuv has threads by default: more reads at once would only wait for each other. */
const SCRATCH_BUFFERS = 4;
/** Chunks that are kept for whoever comes next: a mebibyte of each kind. */
const SPARE_CHUNKS = 16;
const SPARE_LONG_CHUNKS = 4;

export class FileBuffers {
  private readonly counters: Pick<Counters, 'fileBufferBytes'>;
  private readonly spare: Buffer[] = [];
  private readonly spareLong: Buffer[] = [];
  private longTaken = 0;
  private readonly scratch: Buffer[] = [];
  private scratchMade = 0;
  private waiting: ((bytes: Buffer) => boolean)[] = [];

  constructor(counters: Pick<Counters, 'fileBufferBytes'>) {
    this.counters = counters;
  }

  /** Memory to be filled, of use to `wanted` bytes; to be given back. */
  takeChunk(wanted: number): Buffer {
    const isLong = wanted > CHUNK_BYTES && this.longTaken < LONG_CHUNKS;
    if (isLong) this.longTaken += 1;
    const length = isLong ? LONG_CHUNK_BYTES : CHUNK_BYTES;
    this.counters.fileBufferBytes += length;
    return (isLong ? this.spareLong : this.spare).pop() ?? Buffer.allocUnsafeSlow(length);
  }

  giveChunk(chunk: Buffer): void {
    this.counters.fileBufferBytes -= chunk.length;
    const isLong = chunk.length === LONG_CHUNK_BYTES;
    if (isLong) this.longTaken -= 1;
    const [spare, most] = isLong ? [this.spareLong, SPARE_LONG_CHUNKS] : [this.spare, SPARE_CHUNKS];
    if (spare.length < most) spare.push(chunk);
  }

  /**
   * Calls `use` with {@link LOAD_BYTES} as soon as there are some, at once perhaps; to be given back. False of `use` says
   * that they are not wanted any more.
   */
  takeScratch(use: (bytes: Buffer) => boolean): void {
    const bytes = this.scratch.pop() ?? this.makeScratch();
    if (bytes === undefined) this.waiting.push(use);
    else this.lend(bytes, use);
  }

  giveScratch(bytes: Buffer): void {
    this.counters.fileBufferBytes -= LOAD_BYTES;
    for (let next = this.waiting.shift(); next !== undefined; next = this.waiting.shift()) {
      if (this.lend(bytes, next)) return;
    }
    this.scratch.push(bytes);
  }

  private makeScratch(): Buffer | undefined {
    if (this.scratchMade === SCRATCH_BUFFERS) return undefined;
    this.scratchMade += 1;
    return Buffer.allocUnsafeSlow(LOAD_BYTES);
  }

  private lend(bytes: Buffer, use: (bytes: Buffer) => boolean): boolean {
    this.counters.fileBufferBytes += LOAD_BYTES;
    if (use(bytes)) return true;
    this.counters.fileBufferBytes -= LOAD_BYTES;
    return false;
  }
}
