/**
 * The memory that heads are parsed in: one per protocol, seen as bytes and as 32-bit words.
 *
 * Rule: nothing in it outlives a call of the parser. A head that is not complete is copied out, and back in later.
 */

export interface Scratch {
  readonly bytes: Buffer;
  /** The same memory. Byte order does not matter to what it is used for. */
  readonly words: Int32Array;
}

/** Room for `capacity` bytes, from a word's border on. */
export function createScratch(capacity: number): Scratch {
  const memory = new ArrayBuffer((capacity + 3) & ~3);
  return { bytes: Buffer.from(memory), words: new Int32Array(memory) };
}

/**
 * The position in `[from, to)` of the first control byte (below SP, or DEL), or `to`. Four bytes at a time: a carry or a
 * borrow between the bytes of a word can only raise a false alarm, which the loop at the end settles.
 */
export function nextControl(scratch: Scratch, from: number, to: number): number {
  const { bytes, words } = scratch;
  let at = from;
  while ((at & 3) !== 0 && at < to) {
    if (isControl(bytes[at] as number)) return at;
    at++;
  }
  const lastWord = to >> 2;
  let word = at >> 2;
  while (word < lastWord) {
    const four = words[word] as number;
    if ((((four - 0x20202020) | (four + 0x01010101)) & ~four & 0x80808080) !== 0) break;
    word++;
  }
  if (word << 2 > at) at = word << 2;
  while (at < to && !isControl(bytes[at] as number)) at++;
  return at;
}

function isControl(byte: number): boolean {
  return byte < 0x20 || byte === 0x7f;
}
