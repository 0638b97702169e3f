/**
 * The `Date` header line (RFC 9110 §6.6.1), made at most once a second.
 *
 * Rule: no clock is read per answer, and no timer keeps the process alive. The line is dropped by an unref'd timer that
 * is set when the line is made, so an idle server has none.
 */
import { flatString } from '../parser/latin1.ts';
import { statusLine } from './status-text.ts';

let line: string | undefined;
let okHead: string | undefined;

/** `Date: …` and its CRLF. */
export function dateLine(): string {
  return line ?? refresh();
}

/** The status line of a 200 and the date line, the beginning of nearly every answer. */
export function okHeadStart(): string {
  if (okHead === undefined) okHead = flatString(statusLine(200) + dateLine());
  return okHead;
}

function refresh(): string {
  const now = Date.now();
  line = flatString(`Date: ${new Date(now).toUTCString()}\r\n`);
  setTimeout(forget, 1000 - (now % 1000)).unref();
  return line;
}

function forget(): void {
  line = undefined;
  okHead = undefined;
}
