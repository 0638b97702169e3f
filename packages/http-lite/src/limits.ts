/**
 * The bounds of what a peer may make us hold or do, with their defaults.
 *
 * Rule: every limit has a finite default, or a written reason why it needs none.
 */
import { HttpUsageError } from './errors.ts';

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

/**
 * The defaults with `given` on top.
 *
 * @throws HttpUsageError `ERR_HTTP_OPTION` for an unknown name, or a value that is no integer in its range.
 */
export function resolveLimits(given: Partial<HttpLimits> | undefined): HttpLimits {
  const limits: Record<string, number> = { ...DEFAULT_LIMITS };
  for (const [name, value] of Object.entries(given ?? {})) {
    if (!(name in DEFAULT_LIMITS)) throw invalid(`there is no limit named ${name}`);
    if (value === undefined) continue;
    if (!inRange(name, value)) throw invalid(`limits.${name} must be ${wanted(name)}, not ${String(value)}`);
    limits[name] = value;
  }
  return limits as unknown as HttpLimits;
}

const MIN_HEAD_BYTES = 128;
const MAX_HEAD_BYTES = 1024 * 1024;

function inRange(name: string, value: number): boolean {
  if (name === 'bodyBytes' && value === Number.POSITIVE_INFINITY) return true;
  if (!Number.isSafeInteger(value) || value < 0) return false;
  return name !== 'headBytes' || (value >= MIN_HEAD_BYTES && value <= MAX_HEAD_BYTES);
}

function wanted(name: string): string {
  if (name === 'headBytes') return `an integer from ${MIN_HEAD_BYTES} to ${MAX_HEAD_BYTES}`;
  return name === 'bodyBytes' ? 'an integer of 0 or more, or Infinity' : 'an integer of 0 or more';
}

function invalid(message: string): HttpUsageError {
  return new HttpUsageError('ERR_HTTP_OPTION', message);
}
