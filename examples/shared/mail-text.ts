/**
 * The text of a message of mail, line by line as it comes.
 *
 * Rule: it is one piece of memory, which grows with the bytes and not with the number of lines: a list of lines would let a client
 * that sends empty ones take fifty times what it sends. And what nobody will get takes none.
 */

const CR = 0x0d;
const LF = 0x0a;

export class MailText {
  /** Why nobody gets it: an answer of SMTP. For its end: before that the client does not listen. */
  problem: readonly [code: number, why: string] | undefined;
  private readonly limitBytes: number;
  private bytes = Buffer.alloc(4096);
  private length = 0;

  constructor(limitBytes: number) {
    this.limitBytes = limitBytes;
  }

  /** Copies a line, which comes without its end and gets one (RFC 5321 section 2.3.8). */
  add(line: Buffer): void {
    const length = this.length + line.length + 2;
    if (length > this.limitBytes) this.problem ??= [552, 'the message is too big'];
    // No line ends there, and for somebody to whom this is handed on one might.
    if (line.includes(LF) || line.includes(CR)) this.problem ??= [554, 'lines end with CR LF'];
    if (this.problem !== undefined) {
      this.bytes = Buffer.alloc(0);
      return;
    }
    if (length > this.bytes.length) this.bytes = Buffer.concat([this.bytes], 2 * length);
    line.copy(this.bytes, this.length);
    this.bytes[length - 2] = CR;
    this.bytes[length - 1] = LF;
    this.length = length;
  }

  /** All of it, once it has ended and there was no problem. */
  all(): Buffer {
    return this.bytes.subarray(0, this.length);
  }
}
