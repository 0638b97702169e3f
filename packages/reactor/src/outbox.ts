/**
 * One buffer for the small writes of the connection that is being dispatched, so that they leave in one system call
 * (and one TLS record) when its dispatch ends, with nothing allocated. In a batch they may wait behind those of others, to leave
 * in one call for all (departures.ts).
 *
 * Rule: what is staged belongs to one connection at a time, and nothing is between dispatches.
 */

/** Room for the writes of one dispatch, and for what others have left there: sixteen times 2 KiB. */
const OUTBOX_BYTES = 96 * 1024;

/** Writes of this size and above go to the transport from where they are: copying would cost more than the call. */
export const DIRECT_WRITE_BYTES = 16 * 1024;

/** Characters up to which a loop is faster than the call that encodes. */
const SHORT_TEXT = 48;

export class Outbox {
  readonly bytes: Buffer = Buffer.allocUnsafeSlow(OUTBOX_BYTES);
  /** Staged bytes: `bytes[start, end)`. What is ahead of them waits to be sent. */
  start = 0;
  private end = 0;

  get length(): number {
    return this.end - this.start;
  }

  /** What is staged, with what may stand behind it. */
  get stagedBytes(): Buffer {
    return this.start === 0 ? this.bytes : this.bytes.subarray(this.start);
  }

  /** Forgets what is staged. */
  drop(): void {
    this.end = this.start;
  }

  /** What is staged stays where it is, for somebody else to send it; what is staged from now on comes behind it. */
  seal(): void {
    this.start = this.end;
  }

  /** Nothing of what was left here is needed any more. */
  clear(): void {
    this.start = 0;
    this.end = 0;
  }

  /** Stages a string; false, with nothing staged, when it may not fit. */
  addString(text: string, encoding: 'utf8' | 'latin1'): boolean {
    const most = encoding === 'latin1' ? text.length : text.length * 3;
    if (most > OUTBOX_BYTES - this.end) return false;
    if (encoding === 'latin1' && text.length <= SHORT_TEXT) this.addShort(text);
    else this.end += this.bytes.write(text, this.end, encoding);
    return true;
  }

  /** Stages a copy; false, with nothing staged, when it does not fit or is better sent from where it is. */
  addBytes(data: Uint8Array): boolean {
    if (data.length >= DIRECT_WRITE_BYTES || data.length > OUTBOX_BYTES - this.end) return false;
    this.bytes.set(data, this.end);
    this.end += data.length;
    return true;
  }

  private addShort(text: string): void {
    const { bytes, end } = this;
    for (let at = 0; at < text.length; at += 1) bytes[end + at] = text.charCodeAt(at);
    this.end = end + text.length;
  }
}
