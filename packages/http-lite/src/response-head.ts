/**
 * The text of answer heads.
 *
 * Rule: one string, cached pieces first, ready to be written as Latin-1 together with a small body.
 */
import { dateLine, okHeadStart } from './date-header.ts';
import { HttpUsageError } from './errors.ts';
import { flatString } from './flat-string.ts';
import type { ResponseField } from './response-field.ts';
import { statusLine } from './status-text.ts';

export const CHUNKED_LINE = 'Transfer-Encoding: chunked\r\n';
export const CLOSE_LINE = 'Connection: close\r\n';
export const KEEP_ALIVE_LINE = 'Connection: keep-alive\r\n';

const CACHED_LENGTHS = 2048;
const lengthLines: (string | undefined)[] = new Array(CACHED_LENGTHS).fill(undefined);

/** `Content-Length: n` and its CRLF. */
export function lengthLine(length: number): string {
  if (length >= CACHED_LENGTHS) return `Content-Length: ${length}\r\n`;
  const cached = lengthLines[length];
  if (cached !== undefined) return cached;
  const line = flatString(`Content-Length: ${length}\r\n`);
  lengthLines[length] = line;
  return line;
}

/**
 * Status line, Date and the handler's fields: everything but the lines about framing and connection, and the empty line.
 *
 * @throws HttpUsageError `ERR_HTTP_STATUS` when the status is not an integer from 200 to 599.
 */
export function headStart(status: number, fields: readonly ResponseField[] | undefined): string {
  if (fields === undefined) return status === 200 ? okHeadStart() : checkedStatusLine(status) + dateLine();
  let lines = '';
  let ownDate: string | undefined;
  for (const field of fields) {
    if (field.role === 'plain') lines += field.line;
    else if (field.role === 'date') ownDate = field.line;
  }
  const isCommon = status === 200 && ownDate === undefined;
  const start = isCommon ? okHeadStart() : checkedStatusLine(status) + (ownDate ?? dateLine());
  return start + lines;
}

function checkedStatusLine(status: number): string {
  if (Number.isInteger(status) && status >= 200 && status <= 599) return statusLine(status);
  throw new HttpUsageError(
    'ERR_HTTP_STATUS',
    `a status is an integer from 200 to 599, not ${String(status)}`,
  );
}
