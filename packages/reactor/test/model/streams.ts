/**
 * The bytes of every stream of the model. What stands at a position is known to everybody, so that nothing has to be kept
 * to tell a byte that was lost, repeated or moved.
 */

/** Longer than any piece that is asked for, and prime, so that no usual length fits into it. */
const PERIOD = 299_993;

/** Twice the period of printable ASCII: one byte a character in every encoding, and never the poison of `poisonReads`. */
const ROLL = Buffer.alloc(PERIOD * 2);
for (let at = 0, seed = 1; at < PERIOD; at += 1) {
  seed = (Math.imul(seed, 1_103_515_245) + 12_345) & 0x7fff_ffff;
  ROLL[at] = 0x21 + ((seed >> 16) % 0x5e);
  ROLL[at + PERIOD] = ROLL[at]!;
}

/** Bytes `from` to `to` of a stream: a view that is not to be changed. */
export function streamBytes(stream: number, from: number, to: number): Buffer {
  if (to - from > PERIOD) throw new RangeError(`${to - from} bytes are more than the model has at once`);
  const start = (from + stream * 7919) % PERIOD;
  return ROLL.subarray(start, start + to - from);
}

/** Whether `bytes[offset, offset + length)` are what stands in the stream from `from` on. */
export function isStreamAt(
  stream: number,
  from: number,
  bytes: Uint8Array,
  offset: number,
  length: number,
): boolean {
  const view = Buffer.from(bytes.buffer, bytes.byteOffset + offset, length);
  return view.equals(streamBytes(stream, from, from + length));
}
