/**
 * Interim answers (1xx), which come before the answer proper (RFC 9110 §15.2).
 *
 * Rule: none to a client of HTTP/1.0, which knows none, and none with a field about a body or the connection.
 */
import { HttpUsageError } from '../errors.ts';
import { responseField } from './response-field.ts';
import { statusLine } from './status-text.ts';

/** Header fields of an interim answer; an array makes one line of each member. */
export type InterimFields = Readonly<Record<string, string | readonly string[]>>;

export const CONTINUE = 'HTTP/1.1 100 Continue\r\n\r\n';

/**
 * The text of an interim answer.
 *
 * @throws HttpUsageError `ERR_HTTP_STATUS` when `status` is not an integer from 102 to 199; `ERR_HTTP_HEADER_INVALID`,
 * `ERR_HTTP_HEADER_FORBIDDEN` for fields that cannot be sent.
 */
export function interimText(status: number, fields: InterimFields): string {
  if (!Number.isInteger(status) || status < 102 || status > 199) {
    const rule = 'an interim answer has a status from 102 to 199; 100 is sent by writeContinue()';
    throw new HttpUsageError('ERR_HTTP_STATUS', `${rule}, not ${String(status)}`);
  }
  return `${statusLine(status)}${interimLines(fields)}\r\n`;
}

/**
 * The lines of those fields.
 *
 * @throws HttpUsageError as {@link interimText}.
 */
export function interimLines(fields: InterimFields): string {
  let lines = '';
  for (const [name, value] of Object.entries(fields)) {
    for (const member of typeof value === 'string' ? [value] : value) lines += interimLine(name, member);
  }
  return lines;
}

function interimLine(name: string, value: string): string {
  const field = responseField(name, value);
  if (field.role === 'plain' || field.role === 'date') return field.line;
  throw new HttpUsageError('ERR_HTTP_HEADER_FORBIDDEN', `${name} has no place in an interim answer`);
}
