/**
 * The bounds of what a peer may make us hold or do, with their defaults.
 *
 * Rule: every limit has a finite default, or a written reason why it needs none.
 */
import { checkOptionNames, integerOption } from '@sluice/reactor';

/** Bounds of one HTTP protocol. Bytes are counted as they arrive on the wire, unless said otherwise. */
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
  /** What `body.bytes()` and `body.text()` collect. Beyond it they reject, which answers 413. 16 MiB. */
  readonly collectBytes: number;
  /** Body bytes waiting for the handler before the connection is paused. 64 KiB. */
  readonly bodyBufferBytes: number;
  /** Body bytes that an answer left unread and that are dropped for the sake of keep-alive. 64 KiB. */
  readonly discardBytes: number;
  /** Bytes of further requests kept while an answer is going on, before the connection is paused. 64 KiB. */
  readonly pipelineBytes: number;
  /** All chunk extensions of a body, and its trailer section. Beyond it: 400 and 431. 8 KiB. */
  readonly chunkOverheadBytes: number;
}

export const DEFAULT_LIMITS: HttpLimits = {
  headBytes: 16 * 1024,
  headerCount: 100,
  targetBytes: 8192,
  bodyBytes: Number.POSITIVE_INFINITY,
  collectBytes: 16 * 1024 * 1024,
  bodyBufferBytes: 64 * 1024,
  discardBytes: 64 * 1024,
  pipelineBytes: 64 * 1024,
  chunkOverheadBytes: 8 * 1024,
};

/** Below, no browser's request would pass; above, a head is no head. */
const MIN_HEAD_BYTES = 128;
const MAX_HEAD_BYTES = 1024 * 1024;

/**
 * The defaults with `given` on top.
 *
 * @throws UsageError `ERR_UNKNOWN_OPTION` for an unknown name, `ERR_OPTION_VALUE` for a value out of its range.
 */
export function resolveLimits(given: Partial<HttpLimits> = {}): HttpLimits {
  checkOptionNames('limits', given, Object.keys(DEFAULT_LIMITS));
  const pick = (name: keyof HttpLimits): number =>
    integerOption(`limits.${name}`, given[name], DEFAULT_LIMITS[name], 0);
  const { headBytes, bodyBytes } = given;
  return {
    headBytes: integerOption(
      'limits.headBytes',
      headBytes,
      DEFAULT_LIMITS.headBytes,
      MIN_HEAD_BYTES,
      MAX_HEAD_BYTES,
    ),
    headerCount: pick('headerCount'),
    targetBytes: pick('targetBytes'),
    bodyBytes: bodyBytes === Number.POSITIVE_INFINITY ? bodyBytes : pick('bodyBytes'),
    collectBytes: pick('collectBytes'),
    bodyBufferBytes: pick('bodyBufferBytes'),
    discardBytes: pick('discardBytes'),
    pipelineBytes: pick('pipelineBytes'),
    chunkOverheadBytes: pick('chunkOverheadBytes'),
  };
}
