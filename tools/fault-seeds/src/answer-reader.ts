/** Reads HTTP/1.1 answers as they come: just enough of the grammar to tell one body from the next. */

export class AnswerReader {
  /** Bodies of answers that are complete. */
  readonly bodies: Buffer[] = [];
  /** What has come of the body of an answer that is not. */
  partial: Buffer = Buffer.alloc(0);
  /** Something that is no answer with status 200. */
  damage: string | undefined;

  /** Reads all that a connection received. */
  constructor(received: Buffer) {
    let rest = received;
    while (rest.length > 0 && this.damage === undefined) {
      const next = this.readOne(rest);
      if (next === undefined) return;
      rest = next;
    }
  }

  /** The bytes behind one answer; undefined when it is not complete. */
  private readOne(bytes: Buffer): Buffer | undefined {
    const headEnd = bytes.indexOf('\r\n\r\n');
    if (headEnd < 0) return undefined;
    const head = bytes.toString('latin1', 0, headEnd);
    if (!head.startsWith('HTTP/1.1 200 OK\r\n')) {
      this.damage = `an answer that begins with ${JSON.stringify(head.slice(0, 60))}`;
      return undefined;
    }
    const behind = bytes.subarray(headEnd + 4);
    const [, length] = /\r\ncontent-length: (\d+)/i.exec(head) ?? [];
    return length === undefined ? this.readChunks(behind) : this.readLength(behind, Number(length));
  }

  private readLength(bytes: Buffer, length: number): Buffer | undefined {
    if (bytes.length < length) {
      this.partial = bytes;
      return undefined;
    }
    this.bodies.push(bytes.subarray(0, length));
    return bytes.subarray(length);
  }

  private readChunks(bytes: Buffer): Buffer | undefined {
    const pieces: Buffer[] = [];
    for (let at = 0; ; ) {
      const lineEnd = bytes.indexOf('\r\n', at);
      const size = lineEnd < 0 ? Number.NaN : Number.parseInt(bytes.toString('latin1', at, lineEnd), 16);
      const from = lineEnd + 2;
      if (lineEnd >= 0) pieces.push(bytes.subarray(from, Math.min(from + size, bytes.length)));
      if (lineEnd < 0 || bytes.length < from + size + 2) {
        this.partial = Buffer.concat(pieces);
        return undefined;
      }
      at = from + size + 2;
      if (size > 0) continue;
      this.bodies.push(Buffer.concat(pieces));
      return bytes.subarray(at);
    }
  }
}
