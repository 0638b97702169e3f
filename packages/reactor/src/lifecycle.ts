/**
 * The lifecycle of a connection: one line from the first SYN to the last callback. What its two directions do meanwhile
 * is said by the halves (`read-half.ts`, `write-half.ts`), never here.
 */
import { step, type TransitionTable } from './transition-table.ts';

/**
 * Where a connection is between its first SYN and its last callback:
 *
 * - `connecting`: a TCP connect is under way; its result comes with a writable edge.
 * - `handshaking`: the transport is not ready for application bytes, at the beginning or since an upgrade. Its wants are
 *   held by the write half.
 * - `early`: the handshake goes on, and the protocol's hooks run beside it: what it is given came early, and may be a
 *   replay. A read completes the handshake.
 * - `open`: the protocol's hooks run.
 * - `closing`: `close()` was called: our side ends, the peer's bytes are dropped until it ends or a deadline passes.
 * - `closed`: descriptor and transport are released; only the slot waits to be freed after the batch.
 */
export type Lifecycle = 'connecting' | 'handshaking' | 'early' | 'open' | 'closing' | 'closed';

/**
 * `connected`: TCP is up · `early`: bytes may flow before the handshake is done · `opened`: handshake done · `upgrade`: `upgrade()`, a new transport shakes hands · `leave`:
 * `close()` · `close`: over, for whatever reason.
 */
export type LifecycleEvent = 'connected' | 'early' | 'opened' | 'upgrade' | 'leave' | 'close';

export const LIFECYCLE = {
  connecting: { connected: 'handshaking', close: 'closed' },
  handshaking: { early: 'early', opened: 'open', close: 'closed' },
  early: { opened: 'open', close: 'closed' },
  open: { upgrade: 'handshaking', leave: 'closing', close: 'closed' },
  closing: { close: 'closed' },
  closed: {},
} as const satisfies TransitionTable<Lifecycle, LifecycleEvent>;

/** Whether the protocol is told of bytes, and may answer. */
export function runsHooks(state: Lifecycle): boolean {
  return state === 'open' || state === 'early';
}

export function stepLifecycle(state: Lifecycle, event: LifecycleEvent): Lifecycle {
  return step<Lifecycle, LifecycleEvent>('lifecycle', LIFECYCLE, state, event);
}
