/**
 * One buffer for the small writes of the connection that is being dispatched, so that they leave in one system call
 * (and one TLS record) when its dispatch ends, with nothing allocated.
 *
 * Rule: it belongs to one connection at a time and is empty between dispatches.
 */

/** Room for the writes of one dispatch. */
const OUTBOX_BYTES = 64 * 1024;

/** Writes of this size and above go to the transport from where they are: copying would cost more than the call. */
export const DIRECT_WRITE_BYTES = 16 * 1024;

/** Characters up to which a loop is faster than the call that encodes. */
const SHORT_TEXT = 48;

export class Outbox {
  readonly bytes: Buffer = Buffer.allocUnsafeSlow(OUTBOX_BYTES);
  /** Staged bytes: `bytes[0, length)`. */
  length = 0;

  /** Stages a string; false, with nothing staged, when it may not fit. */
  addString(text: string, encoding: 'utf8' | 'latin1'): boolean {
    const most = encoding === 'latin1' ? text.length : text.length * 3;
    if (most > OUTBOX_BYTES - this.length) return false;
    if (encoding === 'latin1' && text.length <= SHORT_TEXT) this.addShort(text);
    else this.length += this.bytes.write(text, this.length, encoding);
    return true;
  }

  /** Stages a copy; false, with nothing staged, when it does not fit or is better sent from where it is. */
  addBytes(data: Uint8Array): boolean {
    if (data.length >= DIRECT_WRITE_BYTES || data.length > OUTBOX_BYTES - this.length) return false;
    this.bytes.set(data, this.length);
    this.length += data.length;
    return true;
  }

  private addShort(text: string): void {
    const { bytes, length } = this;
    for (let at = 0; at < text.length; at += 1) bytes[length + at] = text.charCodeAt(at);
    this.length = length + text.length;
  }
}
