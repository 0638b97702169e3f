/**
 * The text of answer heads.
 *
 * Rule: one string, cached pieces first, ready to be written as Latin-1 together with a small body.
 */

import { HttpUsageError } from '../errors.ts';
import { flatString } from '../parser/latin1.ts';
import { dateLine, okHeadStart } from './date-header.ts';
import type { ResponseField } from './response-field.ts';
import { statusLine } from './status-text.ts';

/** The last line of a head, with the empty line behind it. */
export const CHUNKED_END = 'Transfer-Encoding: chunked\r\n\r\n';
const CLOSE_LINE = 'Connection: close\r\n';
const KEEP_ALIVE_LINE = 'Connection: keep-alive\r\n';

/**
 * What is said of the connection, if anything. With Upgrade goes its name in Connection: it is about this connection alone, and
 * whoever forwards the answer has to take it out (RFC 9110 §7.6.1, §7.8). `fields`: those that may have one among them.
 */
export function connectionLines(
  keepAlive: boolean,
  minorVersion: number,
  fields: readonly ResponseField[] | undefined,
): string {
  const open = minorVersion === 0 ? KEEP_ALIVE_LINE : '';
  const line = keepAlive ? open : CLOSE_LINE;
  if (fields === undefined) return line;
  let upgrades = '';
  for (const field of fields) if (field.role === 'upgrade') upgrades += field.line;
  if (upgrades === '') return line;
  return `${line === '' ? 'Connection: Upgrade' : `${line.trimEnd()}, Upgrade`}\r\n${upgrades}`;
}

const CACHED_LENGTHS = 2048;
const lengthEnds: (string | undefined)[] = new Array(CACHED_LENGTHS).fill(undefined);
/** Of longer ones the last that was asked for, by its last bits: files are sent over and over, too. */
const RECENT_LENGTHS = 64;
const recentEnds: readonly { length: number; end: string }[] = Array.from({ length: RECENT_LENGTHS }, () => ({
  length: 0,
  end: '',
}));

/** The last line of a head, `Content-Length: n`, with the empty line behind it. */
export function lengthEnd(length: number): string {
  if (length >= CACHED_LENGTHS) return recentEnd(length);
  const cached = lengthEnds[length];
  if (cached !== undefined) return cached;
  const end = flatString(`Content-Length: ${length}\r\n\r\n`);
  lengthEnds[length] = end;
  return end;
}

function recentEnd(length: number): string {
  const recent = recentEnds[length % RECENT_LENGTHS] as { length: number; end: string };
  if (recent.length !== length) {
    recent.length = length;
    recent.end = flatString(`Content-Length: ${length}\r\n\r\n`);
  }
  return recent.end;
}

/**
 * Status line, Date and the handler's fields: everything but the lines about framing and connection, and the empty line.
 *
 * @throws HttpUsageError `ERR_HTTP_STATUS` when the status is not an integer from 200 to 599.
 */
export function headStart(status: number, fields: readonly ResponseField[] | undefined): string {
  if (fields === undefined) return status === 200 ? okHeadStart() : checkedStatusLine(status) + dateLine();
  const first = fields[0];
  if (fields.length === 1 && status === 200 && first?.role === 'plain') return okHeadWith(first);
  let lines = '';
  let ownDate: string | undefined;
  for (const field of fields) {
    if (field.role === 'plain') lines += field.line;
    else if (field.role === 'date') ownDate = field.line;
  }
  const isCommon = status === 200 && ownDate === undefined;
  return (isCommon ? okHeadStart() : checkedStatusLine(status) + (ownDate ?? dateLine())) + lines;
}

/** Two pieces in one, from the second time on that they meet: the fewer pieces, the faster a write. */
function okHeadWith(field: ResponseField): string {
  const start = okHeadStart();
  if (field.recentStart !== start) {
    field.recentStart = start;
    field.recentHead = '';
    return start + field.line;
  }
  if (field.recentHead === '') field.recentHead = flatString(start + field.line);
  return field.recentHead;
}

function checkedStatusLine(status: number): string {
  if (Number.isInteger(status) && status >= 200 && status <= 599) return statusLine(status);
  throw new HttpUsageError(
    'ERR_HTTP_STATUS',
    `a status is an integer from 200 to 599, not ${String(status)}`,
  );
}
