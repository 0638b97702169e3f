/**
 * Borrowed views of the start of one piece of memory.
 *
 * Rule: a view is lent for one call of `onData`. The next read overwrites its bytes, and one of the same length is lent
 * the very same view.
 */

/**
 * Views up to this length are kept. Peers send the same few lengths over and over, and making a view each time was two
 * fifths of what the reactor's own code cost for a small request (105 of 265 ns, kernel and protocol not counted).
 */
const KEPT_VIEW_BYTES = 1024;

export class LentViews {
  private readonly bytes: Buffer;
  private readonly views: (Buffer | undefined)[] = new Array<Buffer | undefined>(KEPT_VIEW_BYTES + 1).fill(
    undefined,
  );

  constructor(bytes: Buffer) {
    this.bytes = bytes;
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
}
