/**
 * Requests that are refused although every byte of them that came is right: those that want too much, and those that are
 * too slow.
 *
 * Rule: the message tells the peer, and whoever reads it in a log, which limit it was.
 */
import { HttpRequestError, unknownExpectation } from '../errors.ts';
import type { HttpSettings } from '../http-settings.ts';
import type { HttpLimits } from '../limits.ts';
import type { HeadParser } from '../parser/parser.ts';
import { bodyTooLarge } from '../request/incoming-body.ts';
import type { Overdue } from './exchange-deadlines.ts';

/** Why a head that is complete is refused; undefined when it is not. */
export function refusalOf(
  { framing, line }: HeadParser,
  { limits, connect }: Pick<HttpSettings, 'limits' | 'connect'>,
): HttpRequestError | undefined {
  if (line.method === 'CONNECT') {
    if (!connect) return noTunnels();
    if (framing.chunked || framing.contentLength >= 0) return noContent(framing.chunked);
  }
  // HTTP/1.0 knows no expectations: they are ignored (RFC 9110 §10.1.1).
  if (framing.expectation === 'unknown' && line.minorVersion !== 0) return unknownExpectation();
  return framing.contentLength > limits.bodyBytes ? bodyTooLarge(limits.bodyBytes) : undefined;
}

function noTunnels(): HttpRequestError {
  return new HttpRequestError(
    'ERR_HTTP_METHOD',
    'this is an origin server; it opens no tunnels (RFC 9110 §9.3.6)',
  );
}

/** What others take for its content, and others yet for the first bytes of the tunnel. */
function noContent(isChunked: boolean): HttpRequestError {
  return new HttpRequestError(
    isChunked ? 'ERR_HTTP_TRANSFER_ENCODING' : 'ERR_HTTP_CONTENT_LENGTH',
    'CONNECT has no content, and no field that frames any (RFC 9110 §9.3.6)',
  );
}

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
