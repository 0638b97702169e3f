/**
 * The memory that heads are parsed in, seen as bytes and as 32-bit words.
 *
 * Rule: bytes that a head was parsed from never change afterwards, so that what is asked of them later is right.
 */

import { FieldMemo } from './field-memo.ts';

export interface Scratch {
  readonly bytes: Buffer;
  /** The same memory. Byte order does not matter to what it is used for. */
  readonly words: Int32Array;
}

/** Room for `capacity` bytes, from a word's border on. */
export function createScratch(capacity: number): Scratch {
  const bytes = Buffer.allocUnsafeSlow((capacity + 3) & ~3);
  return { bytes, words: new Int32Array(bytes.buffer, 0, bytes.length >> 2) };
}

const ARENA_BYTES = 32 * 1024;

/**
 * Memory for the heads of all connections of a protocol, one behind the other. A request that is held keeps the whole
 * piece alive, so those that last take their text out of it.
 */
export class HeadArena {
  scratch: Scratch = createScratch(ARENA_BYTES);
  /** What was parsed here lately. */
  readonly memo = new FieldMemo();
  /** The next head may begin here, at a word's border. */
  position = 0;

  /** Sees to it that `size` bytes are free. */
  reserve(size: number): void {
    if (this.position + size <= ARENA_BYTES) return;
    this.scratch = createScratch(ARENA_BYTES);
    this.position = 0;
  }

  /** A head ends at `end`. */
  commit(end: number): void {
    this.position = (end + 3) & ~3;
  }
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
