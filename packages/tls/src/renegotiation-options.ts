/**
 * Renegotiation of TLS 1.2 (RFC 5246 section 7.4.1.1), refused unless a limit is given.
 *
 * Rule: the peer may renew keys by it and change nothing else.
 */
import { checkOptionNames, integerOption } from '@sluice/reactor';

/** How often a peer may renegotiate. */
export interface RenegotiationLimit {
  /** Renegotiations in a window, of each connection: 1 to 1000000. One more ends the connection. */
  readonly limit: number;
  /** The window, in milliseconds from 1 on. Default 600000, ten minutes. */
  readonly windowMs?: number;
}

/** Whether a peer may renegotiate, on servers and clients alike. */
export interface RenegotiationOptions {
  /**
   * Lets the peer renegotiate TLS 1.2, for peers that insist on it; ours never begins. Only where both ends have RFC 5746
   * and RFC 7627, as all of the last ten years do; others are refused as without this. The peer keeps its certificate, or
   * the connection fails (`ERR_TLS_RENEGOTIATION`); so it does beyond the limit (`ERR_TLS_TOO_MANY_RENEGOTIATIONS`).
   * Default: refused, with the warning no_renegotiation. TLS 1.3 has none.
   */
  readonly renegotiation?: RenegotiationLimit;
}

const MAX_LIMIT = 1_000_000;
const MAX_WINDOW_MS = 2 ** 31 - 1;
const WINDOW_MS = 600_000;

/** In the words of the native contract. Throws `UsageError`. */
export function nativeRenegotiation({ renegotiation }: RenegotiationOptions): {
  readonly renegotiations?: number;
  readonly renegotiationWindowMs?: number;
} {
  if (renegotiation === undefined) return {};
  checkOptionNames('renegotiation', renegotiation, ['limit', 'windowMs']);
  const { limit, windowMs } = renegotiation;
  return {
    renegotiations: integerOption('renegotiation.limit', limit, undefined, 1, MAX_LIMIT),
    renegotiationWindowMs: integerOption('renegotiation.windowMs', windowMs, WINDOW_MS, 1, MAX_WINDOW_MS),
  };
}
