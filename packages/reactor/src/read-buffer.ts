/**
 * Where every read of a reactor lands, and the borrowed views of it that protocols see.
 *
 * Rule: a view is lent for one call of `onData`. The next read overwrites its bytes, and one of the same length is lent
 * the very same view.
 */

/** What a read may take: the default of `readBudgetBytes`. */
const USUAL_BYTES = 64 * 1024;
/** What one may take that is ahead of its time (read-ahead.ts). Much more would not stay in a second-level cache. */
const READ_BUFFER_BYTES = 4 * USUAL_BYTES;

/**
 * Views up to this length are kept. Peers send the same few lengths over and over, and making a view each time was two
 * fifths of what the reactor's own code cost for a small request (105 of 265 ns, kernel and protocol not counted).
 */
const KEPT_VIEW_BYTES = 1024;

export class ReadBuffer {
  readonly bytes: Buffer = Buffer.allocUnsafeSlow(READ_BUFFER_BYTES);
  /** The part of it that a read usually fills. */
  readonly usual: Buffer = this.bytes.subarray(0, USUAL_BYTES);
  /** By how many usual reads they are worth, from one on. */
  private readonly larger: readonly Buffer[] = [1, 2, 3, 4].map((reads) =>
    reads === 1 ? this.usual : this.bytes.subarray(0, reads * USUAL_BYTES),
  );
  private readonly views: (Buffer | undefined)[] = new Array<Buffer | undefined>(KEPT_VIEW_BYTES + 1).fill(
    undefined,
  );

  /** The part of it that is worth as many usual reads as there are in `most` bytes, one at least. */
  upTo(most: number): Buffer {
    const reads = Math.min(Math.floor(most / USUAL_BYTES), this.larger.length);
    return this.larger[reads - 1] ?? this.usual;
  }

  /** `bytes[0, count)`. */
  lend(count: number): Buffer {
    if (count > KEPT_VIEW_BYTES) return this.bytes.subarray(0, count);
    const kept = this.views[count];
    if (kept !== undefined) return kept;
    const view = this.bytes.subarray(0, count);
    this.views[count] = view;
    return view;
  }

  /** Overwrites what was lent, so that tests catch who kept it. */
  poison(count: number): void {
    this.bytes.fill(0xdd, 0, count);
  }
}
