/**
 * Header fields of answers: validated, and made into lines that are used again.
 *
 * Rule: nothing reaches the wire that could end a line or begin another (RFC 9110 §5.5). Each pair is checked once: the
 * last value of each name is remembered with its line.
 */

import { HttpUsageError } from '../errors.ts';
import { isToken } from '../parser/char-class.ts';
import { flatString } from '../parser/latin1.ts';
import { listMembers } from '../parser/list-members.ts';
import { isProtocolName } from '../parser/protocol-name.ts';

/**
 * - `plain`: sent as it is.
 * - `content-length`: declares the body; its number is in `length`.
 * - `connection`: `close` or `keep-alive`; decides, and is sent by us.
 * - `date`: replaces ours.
 * - `trailer`: announces trailer fields; sent where they can be.
 * - `upgrade`: names protocols that could be gone on with; sent with the Connection that names it.
 */
export type FieldRole = 'plain' | 'content-length' | 'connection' | 'date' | 'trailer' | 'upgrade';

export interface ResponseField {
  /** In lower case. */
  readonly name: string;
  readonly value: string;
  readonly role: FieldRole;
  /** Name, value and CRLF. */
  readonly line: string;
  /** The number of a Content-Length, else 0. */
  readonly length: number;
  /** The beginning of a 200's head that this line was last sent behind, and the two together once that is known to recur. */
  recentStart: string;
  recentHead: string;
}

const cache = new Map<string, ResponseField>();
const MAX_CACHED_NAMES = 256;
const MAX_CACHED_VALUE = 256;
const FIELD_VALUE_TEXT = /^(?:[!-~\x80-\xff](?:[\t -~\x80-\xff]*[!-~\x80-\xff])?)?$/;

/**
 * @throws HttpUsageError `ERR_HTTP_HEADER_INVALID` for a name that is no token, or a value with control bytes, blanks
 * around it or characters beyond Latin-1; `ERR_HTTP_HEADER_FORBIDDEN` for a field that is not the handler's to set.
 */
export function responseField(name: string, value: string): ResponseField {
  const known = cache.get(name);
  if (known !== undefined && known.value === value) return known;
  const field = makeField(name, value);
  if (value.length <= MAX_CACHED_VALUE && (known !== undefined || cache.size < MAX_CACHED_NAMES)) {
    cache.set(name, field);
  }
  return field;
}

function makeField(name: string, value: string): ResponseField {
  if (typeof name !== 'string' || !isToken(name)) {
    throw new HttpUsageError('ERR_HTTP_HEADER_INVALID', `${JSON.stringify(name)} is no header name`);
  }
  if (typeof value !== 'string' || !FIELD_VALUE_TEXT.test(value)) {
    const rule = 'use visible Latin-1 text, blanks and tabs inside it only';
    throw new HttpUsageError(
      'ERR_HTTP_HEADER_INVALID',
      `the value of header ${name} cannot be sent: ${rule}`,
    );
  }
  const folded = name.toLowerCase();
  const role = roleOf(folded, value);
  const length = role === 'content-length' ? declaredLength(value) : 0;
  const line = flatString(`${name}: ${value}\r\n`);
  return { name: folded, value, role, line, length, recentStart: '', recentHead: '' };
}

/** Fields that are nothing but text, as one: for those that are always sent together. It has no name. */
export function joinedField(plain: readonly ResponseField[]): ResponseField {
  const line = flatString(plain.map((field) => field.line).join(''));
  return { name: '', value: '', role: 'plain', line, length: 0, recentStart: '', recentHead: '' };
}

function roleOf(name: string, value: string): FieldRole {
  if (name === 'content-length' || name === 'date') return name;
  if (name === 'connection') {
    if (/^(?:close|keep-alive)$/i.test(value)) return name;
    throw new HttpUsageError('ERR_HTTP_HEADER_FORBIDDEN', 'Connection may be set to close or keep-alive');
  }
  if (name === 'trailer') {
    if (FIELD_NAMES.test(value)) return name;
    throw new HttpUsageError('ERR_HTTP_HEADER_INVALID', 'Trailer is a list of field names');
  }
  if (name === 'upgrade') {
    const names = listMembers(value);
    if (names.length > 0 && names.every(isProtocolName)) return name;
    throw new HttpUsageError(
      'ERR_HTTP_HEADER_INVALID',
      'Upgrade is a list of protocols: name, or name/version',
    );
  }
  if (name === 'transfer-encoding') {
    throw new HttpUsageError(
      'ERR_HTTP_HEADER_FORBIDDEN',
      `${name} belongs to the framing, which is not set by handlers`,
    );
  }
  return 'plain';
}

/** `#field-name` (RFC 9110 §6.6.2). */
const FIELD_NAMES = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+(?:[ \t]*,[ \t]*[!#$%&'*+\-.^_`|~0-9A-Za-z]+)*$/;

function declaredLength(value: string): number {
  const length = Number(value);
  if (/^[0-9]+$/.test(value) && Number.isSafeInteger(length)) return length;
  throw new HttpUsageError('ERR_HTTP_HEADER_INVALID', 'Content-Length must be a decimal number of bytes');
}
