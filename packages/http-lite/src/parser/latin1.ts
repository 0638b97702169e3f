/**
 * Bytes to text and back where each byte is one character, as HTTP heads want it (RFC 9110 §5.5).
 *
 * Rule: the only place that knows Node's undocumented fast way, and the only one that has to change without it.
 */

/** What every Node.js since version 1 has on its buffers, and its own parsers use. */
interface Latin1Slice {
  readonly latin1Slice?: (from: number, to: number) => string;
}

const hasLatin1Slice = typeof (Buffer.prototype as Latin1Slice).latin1Slice === 'function';

/** `bytes[from, to)` as Latin-1 text. About half the cost of `toString('latin1', from, to)` for short texts. */
export const latin1Text: (bytes: Buffer, from: number, to: number) => string = hasLatin1Slice
  ? (bytes, from, to) => (bytes as Buffer & Required<Latin1Slice>).latin1Slice(from, to)
  : (bytes, from, to) => bytes.toString('latin1', from, to);

/**
 * The same Latin-1 text as one run of bytes, for texts that are cached. V8 keeps concatenated text as a tree and would
 * walk that tree anew for each answer that it is a part of.
 */
export function flatString(text: string): string {
  return latin1Text(Buffer.from(text, 'latin1'), 0, text.length);
}
