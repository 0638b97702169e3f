/**
 * The grammar of the Host field: `uri-host [ ":" port ]` (RFC 9110 §7.2, RFC 3986 §3.2.2).
 *
 * Rule: what passes here holds no character that could end a host name for another reader.
 */
import { COLON, HEX_VALUE, IP_LITERAL, REG_NAME } from './char-class.ts';

const PERCENT = 0x25;
const BRACKET_OPEN = 0x5b;
const BRACKET_CLOSE = 0x5d;
const ZERO = 0x30;
const NINE = 0x39;

/** Whether `bytes[from, to)` is a host with an optional port. An empty host is valid: the target may have none. */
export function isValidHost(bytes: Uint8Array, from: number, to: number): boolean {
  const end =
    bytes[from] === BRACKET_OPEN && from < to ? literalEnd(bytes, from + 1, to) : nameEnd(bytes, from, to);
  if (end === to) return true;
  if (end < 0 || bytes[end] !== COLON) return false;
  for (let at = end + 1; at < to; at++) {
    const digit = bytes[at] as number;
    if (digit < ZERO || digit > NINE) return false;
  }
  return true;
}

/** Where a registered name or an IPv4 address ends, or -1 for a percent sign without two digits. */
function nameEnd(bytes: Uint8Array, from: number, to: number): number {
  let at = from;
  for (;;) {
    while (at < to && REG_NAME[bytes[at] as number] === 1) at++;
    if (at === to || bytes[at] !== PERCENT) return at;
    if (at + 2 >= to || !isHex(bytes[at + 1]) || !isHex(bytes[at + 2])) return -1;
    at += 3;
  }
}

function isHex(byte: number | undefined): boolean {
  return HEX_VALUE[byte as number] !== 255;
}

/** The position after the closing bracket of an IPv6 address, or -1. */
function literalEnd(bytes: Uint8Array, from: number, to: number): number {
  let at = from;
  while (at < to && IP_LITERAL[bytes[at] as number] === 1) at++;
  return at > from && at < to && bytes[at] === BRACKET_CLOSE ? at + 1 : -1;
}
