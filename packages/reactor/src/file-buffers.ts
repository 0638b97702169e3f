/**
 * The memory through which bytes of files pass where no system call moves them by itself.
 *
 * Rule: it is bounded. A connection holds one chunk at most, and only while bytes of its file are in it; all connections
 * together share the scratch buffers, which nobody holds longer than a thread reads.
 */
import type { Counters } from './counters.ts';

/** What a connection whose transport takes bytes has of its file in memory. Four TLS records. */
export const CHUNK_BYTES = 64 * 1024;
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
/** Chunks that are kept for whoever comes next: a mebibyte. */
const SPARE_CHUNKS = 16;

export class FileBuffers {
  private readonly counters: Pick<Counters, 'fileBufferBytes'>;
  private readonly spare: Buffer[] = [];
  private readonly scratch: Buffer[] = [];
  private scratchMade = 0;
  private waiting: ((bytes: Buffer) => boolean)[] = [];

  constructor(counters: Pick<Counters, 'fileBufferBytes'>) {
    this.counters = counters;
  }

  /** {@link CHUNK_BYTES} to be filled; to be given back. */
  takeChunk(): Buffer {
    this.counters.fileBufferBytes += CHUNK_BYTES;
    return this.spare.pop() ?? Buffer.allocUnsafeSlow(CHUNK_BYTES);
  }

  giveChunk(chunk: Buffer): void {
    this.counters.fileBufferBytes -= CHUNK_BYTES;
    if (this.spare.length < SPARE_CHUNKS) this.spare.push(chunk);
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
