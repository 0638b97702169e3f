/**
 * Preconditions of requests for something that exists (RFC 9110 §13).
 *
 * Rule: they are judged in the order of §13.2.2, and those that are not understood as if they were not there; but what was
 * meant to protect from a lost update fails when in doubt.
 */

import type { HttpHeaders } from '../request/headers.ts';
import type { Validators } from './file-validators.ts';
import { parseHttpDate } from './http-date.ts';

type Fields = Pick<HttpHeaders, 'get' | 'hasPrefix'>;

/** `go-on`: as if there were none. `not-modified`: 304. `failed`: 412. Of GET and HEAD. */
export function judgePreconditions(
  headers: Fields,
  current: Validators,
): 'go-on' | 'not-modified' | 'failed' {
  // Most requests have none, and are spared four searches.
  if (!headers.hasPrefix('if-')) return 'go-on';
  const ifMatch = headers.get('if-match');
  if (ifMatch !== undefined) {
    if (!matches(ifMatch, current.etag, isSameStrongly)) return 'failed';
  } else if (isAfter(current, headers.get('if-unmodified-since')) === true) return 'failed';
  const ifNoneMatch = headers.get('if-none-match');
  if (ifNoneMatch !== undefined) {
    return matches(ifNoneMatch, current.etag, isSameWeakly) ? 'not-modified' : 'go-on';
  }
  return isAfter(current, headers.get('if-modified-since')) === false ? 'not-modified' : 'go-on';
}

/** Whether a Range field counts: there is no If-Range, or it names what is there now, byte for byte (§13.1.5). */
export function rangeApplies(headers: Fields, current: Validators): boolean {
  const ifRange = headers.get('if-range');
  if (ifRange === undefined) return true;
  if (/^(?:W\/)?"/.test(ifRange)) return isSameStrongly(ifRange, current.etag);
  return current.isDateStrong && parseHttpDate(ifRange) === current.lastModifiedMs;
}

/** Whether it changed after that date; undefined where there is none. */
function isAfter(current: Validators, date: string | undefined): boolean | undefined {
  const ms = date === undefined ? undefined : parseHttpDate(date);
  return ms === undefined ? undefined : current.lastModifiedMs > ms;
}

/** A member of a list of tags, or nothing, and the comma behind it. No part of it can match what another could: one pass. */
const MEMBER = /[ \t]*(?:((?:W\/)?"[!#-~\x80-\xff]*")[ \t]*)?(?:,|$)/y;

function matches(list: string, etag: string, isSame: (left: string, right: string) => boolean): boolean {
  if (list === '*') return true;
  let found = false;
  for (let at = 0; at < list.length; at = MEMBER.lastIndex) {
    MEMBER.lastIndex = at;
    const member = MEMBER.exec(list);
    if (member === null) return false;
    const [, tag] = member;
    found ||= tag !== undefined && isSame(tag, etag);
  }
  return found;
}

/** §8.8.3.2: neither is weak. */
function isSameStrongly(left: string, right: string): boolean {
  return left === right && !left.startsWith('W/');
}

function isSameWeakly(left: string, right: string): boolean {
  return left.replace(/^W\//, '') === right.replace(/^W\//, '');
}
