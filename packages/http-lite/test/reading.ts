/**
 * What a server made of the bytes of one connection, in few words: how three servers are compared that have nothing else
 * in common.
 */
import type { HttpRequestError } from '@sluice/http-lite';
import { CUT_IN_HEAD, ParseLog, parseLog } from './parse-log.ts';

export interface ReadRequest {
  readonly method: string;
  readonly target: string;
  /** Names and values, a line each, of who tells them. */
  readonly fields?: readonly string[];
  /** Latin-1. Undefined when it did not arrive whole. */
  readonly body: string | undefined;
}

/**
 * - `open`: all was read, and more could have followed.
 * - `closed`: the last request asked for the end; what followed was not read.
 * - `refused`: something was refused, and what followed was not read.
 * - `cut`: the bytes end inside a request.
 */
export type Ending = 'open' | 'closed' | 'refused' | 'cut';

export interface Reading {
  readonly requests: readonly ReadRequest[];
  readonly ending: Ending;
  /** Why it was refused. */
  readonly reason: string;
}

/** What our parser makes of `wire`. */
export function ourReading(wire: Buffer): Reading {
  const log = new ParseLog();
  const lines = parseLog(wire, [], log);
  return readingOf(lines, log.failure);
}

function readingOf(log: readonly string[], failure: HttpRequestError | undefined): Reading {
  const requests: { method: string; target: string; fields: string[]; body: string | undefined }[] = [];
  let ending: Ending = 'open';
  const reason = failure === undefined ? '' : `${failure.code}: ${failure.message}`;
  for (const line of log) {
    const request = requests.at(-1);
    if (/^ *=> [345]/.test(line)) ending = 'refused';
    else if (line === CUT_IN_HEAD) ending = 'cut';
    else if (line.endsWith('=> 200 close')) ending = 'closed';
    else if (/^ {2}body ERR/.test(line) && request !== undefined) [request.body, ending] = [undefined, 'cut'];
    else if (line.startsWith('  body "') && request !== undefined) request.body = line.slice(8, -1);
    else if (!line.startsWith('  ')) {
      const [method = '', target = ''] = line.split(' ');
      requests.push({ method, target, fields: [], body: '' });
    } else if (!line.startsWith('  =>')) request?.fields.push(line.trimStart());
  }
  return { requests, ending, reason };
}

/** The requests that were taken: one that did not arrive whole was not. */
export function wholeRequests({ requests }: Reading): string[] {
  return requests
    .filter(({ body }) => body !== undefined)
    .map(({ method, target, body }) => `${method} ${target} "${body}"`);
}
