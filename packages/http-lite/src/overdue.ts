/**
 * The refusal of a peer that is too slow.
 *
 * Rule: the message tells the peer, and whoever reads it in a log, which limit it was.
 */
import { HttpRequestError } from './errors.ts';
import type { Overdue } from './exchange-deadlines.ts';
import type { HttpLimits } from './limits.ts';

/** What is answered to a peer that owes `what`; undefined where it owes nothing that could be answered. */
export function overdue(what: Overdue, limits: HttpLimits): HttpRequestError | undefined {
  const { headTimeoutMs, bodyTimeoutMs, minBodyBytesPerSecond, bodyRateWindowMs } = limits;
  switch (what) {
    case 'head':
      return new HttpRequestError(
        'ERR_HTTP_HEAD_TIMEOUT',
        `a request head has to be here ${headTimeoutMs} ms after its first byte`,
        { limit: 'headTimeoutMs' },
      );
    case 'body':
      return new HttpRequestError(
        'ERR_HTTP_BODY_TIMEOUT',
        `a request body has to be here ${bodyTimeoutMs} ms after its head`,
        { limit: 'bodyTimeoutMs' },
      );
    case 'body-rate':
      return new HttpRequestError(
        'ERR_HTTP_BODY_RATE',
        `of a request body ${minBodyBytesPerSecond} bytes a second have to come, over ${bodyRateWindowMs} ms`,
        { limit: 'minBodyBytesPerSecond' },
      );
    default:
      return undefined;
  }
}
