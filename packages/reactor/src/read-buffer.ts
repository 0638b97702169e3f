/**
 * Where the reads of a reactor land, one after the other, and the borrowed views of it that protocols see.
 *
 * Rule: the next read overwrites what was lent.
 */
import { LentViews } from './lent-views.ts';

/** What a read may take: the default of `readBudgetBytes`. */
const USUAL_BYTES = 64 * 1024;
/** What one may take that is ahead of its time (read-ahead.ts). Much more would not stay in a second-level cache. */
const READ_BUFFER_BYTES = 4 * USUAL_BYTES;

export class ReadBuffer {
  readonly bytes: Buffer = Buffer.allocUnsafeSlow(READ_BUFFER_BYTES);
  /** The part of it that a read usually fills. */
  readonly usual: Buffer = this.bytes.subarray(0, USUAL_BYTES);
  /** By how many usual reads they are worth, from one on. */
  private readonly larger: readonly Buffer[] = [1, 2, 3, 4].map((reads) =>
    reads === 1 ? this.usual : this.bytes.subarray(0, reads * USUAL_BYTES),
  );
  private readonly views = new LentViews(this.bytes);

  /** The part of it that is worth as many usual reads as there are in `most` bytes, one at least. */
  upTo(most: number): Buffer {
    const reads = Math.min(Math.floor(most / USUAL_BYTES), this.larger.length);
    return this.larger[reads - 1] ?? this.usual;
  }

  /** `bytes[0, count)`. */
  lend(count: number): Buffer {
    return this.views.lend(count);
  }
}
