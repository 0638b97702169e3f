/**
 * The grammar of a host and its port, in the Host field and in targets: `uri-host [ ":" port ]` (RFC 9110 §7.2,
 * RFC 3986 §3.2.2).
 *
 * Rule: what passes here holds no character that could end a host name for another reader.
 */
import { isIPv6 } from 'node:net';
import { COLON, HEX_VALUE, IP_LITERAL, REG_NAME } from './char-class.ts';
import { latin1Text } from './latin1.ts';

const PERCENT = 0x25;
const BRACKET_OPEN = 0x5b;
const BRACKET_CLOSE = 0x5d;
const ZERO = 0x30;
const NINE = 0x39;
/** The longest IPv6 address: eight groups, the last two as an IPv4 address. */
const MAX_IPV6_CHARS = 45;
/** `IPvFuture` of RFC 3986 §3.2.2; its characters have passed {@link IP_LITERAL}. */
const IP_FUTURE = /^v[0-9a-f]+\../i;

/**
 * Whether `bytes[from, to)` is the value of a Host field. An empty host is valid, since the target may have none
 * (RFC 9112 §3.2), but not with a port: no URI of http has that (RFC 9110 §4.2.1).
 */
export function isValidHost(bytes: Buffer, from: number, to: number): boolean {
  const end = hostEnd(bytes, from, to);
  if (end === to) return true;
  return end > from && bytes[end] === COLON && isValidPort(bytes, end + 1, to);
}

/** Where the host that begins at `from` ends, which may be at once, or -1 when it is malformed. */
export function hostEnd(bytes: Buffer, from: number, to: number): number {
  return bytes[from] === BRACKET_OPEN && from < to
    ? literalEnd(bytes, from + 1, to)
    : nameEnd(bytes, from, to);
}

/** Whether `bytes[from, to)` holds digits only; none at all is valid (RFC 3986 §3.2.3). */
export function isValidPort(bytes: Buffer, from: number, to: number): boolean {
  for (let at = from; at < to; at++) {
    const digit = bytes[at] as number;
    if (digit < ZERO || digit > NINE) return false;
  }
  return true;
}

/** Where a registered name or an IPv4 address ends, or -1 for a percent sign without two digits. */
function nameEnd(bytes: Buffer, from: number, to: number): number {
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

/** The position after the closing bracket of an address whose opening bracket stands before `from`, or -1. */
function literalEnd(bytes: Buffer, from: number, to: number): number {
  let at = from;
  while (at < to && IP_LITERAL[bytes[at] as number] === 1) at++;
  if (at === to || bytes[at] !== BRACKET_CLOSE) return -1;
  const address = latin1Text(bytes, from, at);
  return (address.length <= MAX_IPV6_CHARS && isIPv6(address)) || IP_FUTURE.test(address) ? at + 1 : -1;
}
