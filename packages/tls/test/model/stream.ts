/** What each end sends: a byte's place says what it is, so that one that was lost, repeated or moved is told. */

/** Prime, and longer than any piece that is asked for, so that no usual length fits into it. */
const PERIOD = 299_993;
const ROLL = Buffer.alloc(PERIOD * 2);
for (let at = 0, seed = 1; at < PERIOD; at += 1) {
  seed = (Math.imul(seed, 1_103_515_245) + 12_345) & 0x7fff_ffff;
  ROLL[at] = (seed >> 16) & 0xff;
  ROLL[at + PERIOD] = ROLL[at]!;
}

/** Bytes `from` to `from + length` of the stream of end 0 or 1: a view that is not to be changed. */
export function streamBytes(end: number, from: number, length: number): Buffer {
  if (length > PERIOD) throw new RangeError(`${length} bytes are more than a stream has at once`);
  const start = (from + end * 7919) % PERIOD;
  return ROLL.subarray(start, start + length);
}
