/** Lengths of seven bits a byte, the low ones first, the high bit set on all but the last. */
import type { Buffer } from 'node:buffer';

/** What 32 bits take. */
export const VARINT_BYTES = 5;

/** How many bytes the varint at `bytes[start]` has; 0 when its last one is not among the first {@link VARINT_BYTES} of what is there. */
export function varintLength(bytes: Buffer, start: number): number {
  const end = Math.min(bytes.length, start + VARINT_BYTES);
  for (let at = start; at < end; at += 1) if ((bytes[at] ?? 0) < 0x80) return at - start + 1;
  return 0;
}

/** The value of the varint of `length` bytes at `bytes[start]`. */
export function readVarint(bytes: Buffer, start: number, length: number): number {
  let value = 0;
  for (let at = start + length - 1; at >= start; at -= 1) value = value * 128 + ((bytes[at] ?? 0) & 0x7f);
  return value;
}

/** Writes `value` to the start of `bytes`, and answers how many bytes it takes. */
export function writeVarint(bytes: Buffer, value: number): number {
  let rest = value;
  let at = 0;
  for (; rest >= 128; at += 1) {
    bytes[at] = (rest % 128) + 128;
    rest = Math.floor(rest / 128);
  }
  bytes[at] = rest;
  return at + 1;
}
