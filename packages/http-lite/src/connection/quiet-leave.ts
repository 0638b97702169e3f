/**
 * How a connection between two requests leaves when the reactor shuts down.
 *
 * Rule: it is left in peace for a moment, since its next request may be on its way and would be lost (RFC 9112 §9.6).
 */
import type { Connection } from '@sluice/reactor';

/** Counted from when it was opened, or from when bytes last moved on it. */
const QUIET_MS = 500;

/** Lets the deadline of the first byte, or the idle one, pass soon. */
export function expectQuiet(connection: Connection, requests: number): void {
  connection.setTimeouts(requests === 0 ? { firstByteTimeoutMs: QUIET_MS } : { idleTimeoutMs: QUIET_MS });
}
