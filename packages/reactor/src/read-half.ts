/**
 * The reading half of a connection: what has to happen before bytes can be delivered again.
 *
 * Rule: `idle` is the only state that may wait for a readable edge, and only a read that ran dry leads there. An edge
 * that was consumed and not followed by a read that ran dry would never come again (epoll(7), edge-triggered).
 */
import { step, type TransitionTable } from './transition-table.ts';

/**
 * What has to happen before bytes can be delivered again:
 *
 * - `idle`: the socket ran dry; a readable edge wakes it.
 * - `draining`: there may be more; it must run again without an edge, in this dispatch or from the ready list.
 * - `paused`: the protocol asked for silence. Edges are absorbed: `resume` always drains.
 * - `wants-write`: a read is blocked until the socket is writable (TLS answering the peer); the edge is armed.
 * - `ended`: the peer ended, or the connection closed. Nothing is read any more, unless it is to tell another protocol.
 */
export type ReadHalf = 'idle' | 'draining' | 'paused' | 'wants-write' | 'ended';

/**
 * - `edge`: the socket is readable or hung up, or the handshake just completed, so that data may be in already.
 * - `dry`: a read would block: only an edge brings more.
 * - `spent`: this turn's budget is used up; goes on the ready list.
 * - `opened`: a read has completed the handshake that went on beside early data; what follows did not come early.
 * - `block`: a read wants the socket to be writable. `writable`: that edge came.
 * - `pause`, `resume`: the protocol's verbs.
 * - `become`: another protocol reads, which has asked for no silence and knows of no end: a read tells that again.
 * - `upgrade`: a new transport shakes hands; what is in the socket is its business, and an `edge` follows.
 * - `end`: a read told the end, or the connection closes.
 */
export type ReadEvent =
  | 'edge'
  | 'dry'
  | 'spent'
  | 'opened'
  | 'block'
  | 'writable'
  | 'pause'
  | 'resume'
  | 'become'
  | 'upgrade'
  | 'end';

export const READ_HALF = {
  idle: { edge: 'draining', pause: 'paused', become: 'draining', upgrade: 'idle', end: 'ended' },
  draining: {
    edge: 'draining',
    dry: 'idle',
    spent: 'draining',
    opened: 'draining',
    block: 'wants-write',
    pause: 'paused',
    become: 'draining',
    upgrade: 'idle',
    end: 'ended',
  },
  paused: { edge: 'paused', resume: 'draining', become: 'draining', upgrade: 'paused', end: 'ended' },
  // A readable edge does not unblock it: the retry waits for writability and then reads everything that came.
  'wants-write': {
    edge: 'wants-write',
    writable: 'draining',
    pause: 'paused',
    become: 'draining',
    upgrade: 'idle',
    end: 'ended',
  },
  ended: { edge: 'ended', become: 'draining', upgrade: 'ended' },
} as const satisfies TransitionTable<ReadHalf, ReadEvent>;

/** What each read that an edge brings begins and ends with: the two steps that are worth no look-up by name (30 ns of 600). */
const WOKEN = READ_HALF.idle.edge;
const DRY = READ_HALF.draining.dry;

export function stepReadHalf(state: ReadHalf, event: ReadEvent): ReadHalf {
  if (event === 'edge' && state === 'idle') return WOKEN;
  if (event === 'dry' && state === 'draining') return DRY;
  return step<ReadHalf, ReadEvent>('read half', READ_HALF, state, event);
}
