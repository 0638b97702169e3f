/**
 * The four forms of a request target, and which method may have which (RFC 9112 §3.2).
 *
 * Rule: decided by the method and the first bytes, never by trying one form after another; an authority is a host that
 * passes `host.ts`, without user information (RFC 9110 §4.2.4).
 */
import { hostEnd, isValidPort } from './host.ts';

const SLASH = 0x2f;
const QUESTION_MARK = 0x3f;
const ASTERISK = 0x2a;
const COLON = 0x3a;
const HTTP = Uint8Array.from('http', (letter) => letter.charCodeAt(0));
const LETTER_S = 0x73;

/** Whether `bytes[from, to)`, which holds visible ASCII only, is a target that a request of `method` may have. */
export function isTargetOf(method: string, bytes: Buffer, from: number, to: number): boolean {
  if (method === 'CONNECT') return isAuthorityForm(bytes, from, to);
  if (bytes[from] === SLASH) return true;
  if (bytes[from] === ASTERISK) return method === 'OPTIONS' && to - from === 1;
  return isAbsoluteForm(bytes, from, to);
}

/** `uri-host ":" port`; there is no default port, and 0 is none (RFC 9110 §9.3.6). */
function isAuthorityForm(bytes: Buffer, from: number, to: number): boolean {
  const end = hostEnd(bytes, from, to);
  if (end <= from || bytes[end] !== COLON || !isValidPort(bytes, end + 1, to)) return false;
  let port = 0;
  for (let at = end + 1; at < to && port <= 0xffff; at++) port = port * 10 + (bytes[at] as number) - 0x30;
  return port > 0 && port <= 0xffff;
}

/** An `http` or `https` URI, whose host must not be empty (RFC 9110 §4.2). */
function isAbsoluteForm(bytes: Buffer, from: number, to: number): boolean {
  const start = authorityStart(bytes, from, to);
  if (start < 0) return false;
  let end = start;
  while (end < to && bytes[end] !== SLASH && bytes[end] !== QUESTION_MARK) end++;
  const host = hostEnd(bytes, start, end);
  if (host <= start) return false;
  return host === end || (bytes[host] === COLON && isValidPort(bytes, host + 1, end));
}

/** The position behind `http://` or `https://`, in whatever case (RFC 9110 §4.2.3), or -1. */
function authorityStart(bytes: Buffer, from: number, to: number): number {
  let at = from;
  for (const letter of HTTP) {
    if (((bytes[at++] as number) | 0x20) !== letter) return -1;
  }
  if (((bytes[at] as number) | 0x20) === LETTER_S) at++;
  if (at + 3 > to || bytes[at] !== COLON || bytes[at + 1] !== SLASH || bytes[at + 2] !== SLASH) return -1;
  return at + 3;
}
