/**
 * The writing half of a connection: what has to happen before queued bytes can leave, and how far our side has ended.
 * Until the connection is open it holds what the connect and the handshake wait for.
 *
 * Rule: the writable edge is armed exactly while {@link awaitsWritable} says so (or a read wants it), and disarmed after.
 */
import { step, type TransitionTable } from './transition-table.ts';

/**
 * What has to happen before bytes can leave again:
 *
 * - `ready`: nothing is awaited; what is queued leaves at the next flush.
 * - `blocked`: armed for the writable edge.
 * - `wants-read`: a write (or the handshake) is blocked until the socket is readable.
 * - `wants-file`: a file is at the front and a thread opens or reads it; no edge is awaited.
 * - `suspended`: the handshake waits for something other than the socket; the transport says when it can go on.
 * - `ending`: `end()` was called: flush, announce the end, shut our side; nothing is awaited at this moment.
 * - `ending-blocked`, `ending-wants-read`, `ending-wants-file`: the same, waiting as `blocked`, `wants-read` and
 *   `wants-file` do.
 * - `ended`: our side is shut, or the connection closed. Nothing is written any more.
 */
export type WriteHalf =
  | 'ready'
  | 'blocked'
  | 'wants-read'
  | 'wants-file'
  | 'suspended'
  | 'ending'
  | 'ending-blocked'
  | 'ending-wants-read'
  | 'ending-wants-file'
  | 'ended';

/**
 * - `block`, `want-read`: the transport wants the socket to be writable, readable. `writable`, `readable`: that edge came.
 * - `want-file`: the disk is waited for. `file`: it has answered.
 * - `suspend`: a handshake waits for neither. `go-on`: it need not any more.
 * - `end`: the protocol has nothing more to say. `finish`: our side is shut, everything before it has left.
 * - `abort`: what is queued can never leave: the transport failed or the connection closes.
 */
export type WriteEvent =
  | 'block'
  | 'want-read'
  | 'writable'
  | 'readable'
  | 'want-file'
  | 'file'
  | 'suspend'
  | 'go-on'
  | 'end'
  | 'finish'
  | 'abort';

export const WRITE_HALF = {
  ready: {
    block: 'blocked',
    'want-read': 'wants-read',
    'want-file': 'wants-file',
    suspend: 'suspended',
    end: 'ending',
    abort: 'ended',
  },
  blocked: { writable: 'ready', end: 'ending-blocked', abort: 'ended' },
  'wants-read': { readable: 'ready', end: 'ending-wants-read', abort: 'ended' },
  'wants-file': { file: 'ready', end: 'ending-wants-file', abort: 'ended' },
  suspended: { 'go-on': 'ready', abort: 'ended' },
  ending: {
    block: 'ending-blocked',
    'want-read': 'ending-wants-read',
    'want-file': 'ending-wants-file',
    finish: 'ended',
    abort: 'ended',
  },
  'ending-blocked': { writable: 'ending', abort: 'ended' },
  'ending-wants-read': { readable: 'ending', abort: 'ended' },
  'ending-wants-file': { file: 'ending', abort: 'ended' },
  ended: {},
} as const satisfies TransitionTable<WriteHalf, WriteEvent>;

export function stepWriteHalf(state: WriteHalf, event: WriteEvent): WriteHalf {
  return step<WriteHalf, WriteEvent>('write half', WRITE_HALF, state, event);
}

/** Whether bytes may still be queued. */
export function acceptsBytes(state: WriteHalf): boolean {
  return state === 'ready' || state === 'blocked' || state === 'wants-read' || state === 'wants-file';
}

/** Whether a flush may call the transport now. */
export function mayFlush(state: WriteHalf): boolean {
  return state === 'ready' || state === 'ending';
}

export function awaitsWritable(state: WriteHalf): boolean {
  return state === 'blocked' || state === 'ending-blocked';
}

export function awaitsReadable(state: WriteHalf): boolean {
  return state === 'wants-read' || state === 'ending-wants-read';
}

export function awaitsFile(state: WriteHalf): boolean {
  return state === 'wants-file' || state === 'ending-wants-file';
}
