/** What one reactor counts. The loop and its parts add to it where things happen; `Reactor.stats` shows it. */
import type { Deadline } from './deadline.ts';
import type { CloseReason } from './protocol.ts';

/**
 * Caps, by the name that counts and diagnostics call them.
 *
 * - `connections`, `handshakes`, `descriptors`: accepting rested until there was room again; the backlog waited.
 * - `address`: a connection was refused (reset): its peer's address had as many as it may.
 * - `stalled-handshake`: a handshake that waited for its peer gave its place to a newcomer: closed with reason `limit`.
 * - `queue`, `total-queue`: a connection was closed with reason `limit`: what it, or all together, had queued.
 */
export type LimitName =
  | 'connections'
  | 'handshakes'
  | 'descriptors'
  | 'address'
  | 'stalled-handshake'
  | 'queue'
  | 'total-queue';

/** What the queues of one reactor hold together. */
export interface QueueTotals {
  /** Bytes that wait in any queue. */
  queuedBytes: number;
  /** Those of them that are copies; the rest belongs to callers of `writeShared`. */
  copiedBytes: number;
}

/** Counts since the reactor was made; `queuedBytes`, `copiedBytes` and `fileBufferBytes` are of this moment. */
export interface Counters extends QueueTotals {
  /** Connections taken from a backlog, refused ones included. */
  accepted: number;
  /** Connections whose protocol was told, outgoing ones included: those with early data before their handshake was complete. */
  opened: number;
  /** Those of them with early data. */
  openedEarly: number;
  /** Upgrades whose handshake was completed. */
  upgraded: number;
  /** Connections that are gone, opened or not, outgoing ones included. */
  closed: number;
  /** The same by reason. */
  readonly closedBy: Record<CloseReason, number>;
  /** Accepted connections that failed before they were open. */
  handshakesFailed: number;
  /** Application bytes, before they are sealed and after they are opened; those of files included. */
  bytesReceived: number;
  bytesSent: number;
  /** Bytes of `sendFile` that have left, and files of which all have. */
  fileBytesSent: number;
  filesSent: number;
  /** Memory that holds bytes of files: 64 KiB for each connection whose transport cannot send them by itself. */
  fileBufferBytes: number;
  turns: number;
  /** Events of all turns; divided by `turns` it says how well a batch is used. */
  events: number;
  /** Events for connections that were closed earlier in the same batch. */
  staleEvents: number;
  /** Times that a connection's turn came from the ready list and not from an edge. */
  readyTurns: number;
  /** Deadlines that passed, by name, those waived by a protocol included. */
  readonly deadlines: Record<Deadline, number>;
  /** How often a cap was reached, by name. */
  readonly limited: Record<LimitName, number>;
}

export function newCounters(): Counters {
  return {
    accepted: 0,
    opened: 0,
    openedEarly: 0,
    upgraded: 0,
    closed: 0,
    closedBy: { clean: 0, truncated: 0, reset: 0, timeout: 0, limit: 0, error: 0 },
    handshakesFailed: 0,
    bytesReceived: 0,
    bytesSent: 0,
    fileBytesSent: 0,
    filesSent: 0,
    fileBufferBytes: 0,
    queuedBytes: 0,
    copiedBytes: 0,
    turns: 0,
    events: 0,
    staleEvents: 0,
    readyTurns: 0,
    deadlines: {
      connect: 0,
      handshake: 0,
      'first-byte': 0,
      idle: 0,
      'write-stall': 0,
      'receive-rate': 0,
      'send-rate': 0,
      protocol: 0,
      close: 0,
      shutdown: 0,
    },
    limited: {
      connections: 0,
      handshakes: 0,
      descriptors: 0,
      address: 0,
      'stalled-handshake': 0,
      queue: 0,
      'total-queue': 0,
    },
  };
}

/** The counters as they stand. */
export function copyCounters(counters: Counters): Counters {
  return {
    ...counters,
    closedBy: { ...counters.closedBy },
    deadlines: { ...counters.deadlines },
    limited: { ...counters.limited },
  };
}
