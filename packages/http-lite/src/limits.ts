/**
 * The bounds of what a peer may make us hold, do or wait for, with their defaults.
 *
 * Rule: every limit has a finite default, or a written reason why it needs none.
 */
import { checkOptionNames, integerOption } from '@sluice/reactor';

/**
 * Bounds of one HTTP protocol. Bytes are counted as they arrive on the wire, unless said otherwise. How often each was
 * reached is counted under its name in `stats().limited`.
 */
export interface HttpLimits {
  /** Request line and header section together. Beyond it: 431, or 414 inside the request line. 16 KiB. */
  readonly headBytes: number;
  /** Header lines of a request, and trailer lines of a body. Beyond it: 431. 100. */
  readonly headerCount: number;
  /** The request target. Beyond it: 414. 8192; RFC 9112 §3 wants 8000 at least for the request line. */
  readonly targetBytes: number;
  /**
   * A request body, decoded. Beyond it: 413. Infinite: a streamed body costs bounded memory whatever its length, and
   * collecting it has a bound of its own.
   */
  readonly bodyBytes: number;
  /**
   * What `body.bytes()`, `text()` and `json()` collect, and their like of the `Request` of a fetch handler. Beyond it they
   * reject, which answers 413. 16 MiB.
   */
  readonly collectBytes: number;
  /** Body bytes waiting for the handler before the connection is paused. 64 KiB. */
  readonly bodyBufferBytes: number;
  /** Body bytes that an answer left unread and that are dropped for the sake of keep-alive. 64 KiB. */
  readonly discardBytes: number;
  /** Bytes of further requests kept while an answer is going on, before the connection is paused. 64 KiB. */
  readonly pipelineBytes: number;
  /** All chunk extensions of a body, and its trailer section. Beyond it: 400 and 431. 8 KiB. */
  readonly chunkOverheadBytes: number;
  /**
   * Pipelined requests that are handled in a row before the rest waits until other connections had their turn. 100: what
   * that many cost is less than anybody notices.
   */
  readonly pipelinedRequests: number;
  /**
   * Requests of one connection; the answer to the last says `Connection: close`. Infinite: a connection keeps nothing of
   * the requests that were answered, so a new one would only cost a handshake.
   */
  readonly requestsPerConnection: number;
  /**
   * From the first byte of a head to its end. Beyond it: 408. 0 is for ever. 20 s: a head is one segment or a few, and
   * fits into a dozen retransmissions; whoever sends a header now and then is cut.
   */
  readonly headTimeoutMs: number;
  /**
   * From the end of a head to the end of the body, not counting the time for which the handler lets it wait. Beyond it:
   * 408. 0, for ever: how long an honest body takes depends on its length, so slowness is what `minBodyBytesPerSecond`
   * judges; with `bodyBytes` it bounds the time, too.
   */
  readonly bodyTimeoutMs: number;
  /**
   * Decoded body bytes that the peer has to send each second, judged every `bodyRateWindowMs` in which we were reading
   * all along. Below it: 408. 0 is none. 240: less than any network in use.
   */
  readonly minBodyBytesPerSecond: number;
  /** How long the rate of a body is measured before it is judged; at least 1. 20 s, longer than a mobile peer's tunnel. */
  readonly bodyRateWindowMs: number;
  /**
   * How long a connection waits for its next request. Beyond it it is closed, without a status. 0 is for ever; the
   * reactor's idle deadline is there all the same. 75 s, longer than the 60 s after which load balancers drop theirs:
   * the side that closes first is then the one that sends requests, and no request meets a closing connection.
   */
  readonly keepAliveTimeoutMs: number;
}

/** Names of the limits that can be reached; the window is a part of the rate. */
export type HttpLimitName = Exclude<keyof HttpLimits, 'bodyRateWindowMs'>;

/** The limits of an HTTP protocol that was told nothing. */
export const DEFAULT_HTTP_LIMITS: HttpLimits = {
  headBytes: 16 * 1024,
  headerCount: 100,
  targetBytes: 8192,
  bodyBytes: Number.POSITIVE_INFINITY,
  collectBytes: 16 * 1024 * 1024,
  bodyBufferBytes: 64 * 1024,
  discardBytes: 64 * 1024,
  pipelineBytes: 64 * 1024,
  chunkOverheadBytes: 8 * 1024,
  pipelinedRequests: 100,
  requestsPerConnection: Number.POSITIVE_INFINITY,
  headTimeoutMs: 20_000,
  bodyTimeoutMs: 0,
  minBodyBytesPerSecond: 240,
  bodyRateWindowMs: 20_000,
  keepAliveTimeoutMs: 75_000,
};

/** The least that makes sense, where that is not 0. Below 128 bytes of head no browser's request would pass. */
const MINIMUM: Partial<HttpLimits> = {
  headBytes: 128,
  pipelinedRequests: 1,
  requestsPerConnection: 1,
  bodyRateWindowMs: 1,
};
/** Above, a head is no head. */
const MAX_HEAD_BYTES = 1024 * 1024;

const NAMES = Object.keys(DEFAULT_HTTP_LIMITS) as (keyof HttpLimits)[];

/**
 * The defaults with `given` on top.
 *
 * @throws UsageError `ERR_UNKNOWN_OPTION` for an unknown name, `ERR_OPTION_VALUE` for a value out of its range.
 */
export function resolveLimits(given: Partial<HttpLimits> = {}): HttpLimits {
  checkOptionNames('limits', given, NAMES);
  const limits: { -readonly [N in keyof HttpLimits]: number } = { ...DEFAULT_HTTP_LIMITS };
  for (const name of NAMES) limits[name] = resolveLimit(name, given[name]);
  return limits;
}

function resolveLimit(name: keyof HttpLimits, given: number | undefined): number {
  const fallback = DEFAULT_HTTP_LIMITS[name];
  // What is infinite by default may be said to be.
  if (given === fallback) return given;
  const most = name === 'headBytes' ? MAX_HEAD_BYTES : Number.MAX_SAFE_INTEGER;
  return integerOption(`limits.${name}`, given, fallback, MINIMUM[name] ?? 0, most);
}
