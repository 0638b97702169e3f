/** Sends every byte back; tells who came and how each went. */
import type { CloseReason, Connection, Protocol } from '@sluice/reactor';
import { Tally } from './tally.ts';

export interface Closing {
  readonly reason: CloseReason;
  readonly cause: Error | undefined;
}

export interface WatchedEcho {
  readonly protocol: Protocol;
  /** Those open now. */
  readonly open: ReadonlySet<Connection>;
  /** Every connection that was opened, in order. */
  readonly opened: Tally<Connection>;
  /** How each of those that are gone went, in order. */
  readonly closed: Tally<Closing>;
  /** Each time that somebody sent faster than they read. */
  readonly paused: Tally<Connection>;
  /** The largest `queuedBytes` seen after any write. */
  mostQueuedBytes(): number;
}

/** An echo protocol with backpressure, watched. */
export function watchedEcho(): WatchedEcho {
  const open = new Set<Connection>();
  const opened = new Tally<Connection>();
  const closed = new Tally<Closing>();
  const paused = new Tally<Connection>();
  let mostQueued = 0;
  const protocol: Protocol = {
    onOpen(conn) {
      open.add(conn);
      opened.add(conn);
    },
    onData(conn, chunk) {
      const flowing = conn.write(chunk);
      mostQueued = Math.max(mostQueued, conn.queuedBytes);
      if (flowing) return;
      conn.pause();
      paused.add(conn);
    },
    onDrain: (conn) => conn.resume(),
    onEnd: (conn) => conn.end(),
    onClose(conn, reason, cause) {
      open.delete(conn);
      closed.add({ reason, cause });
    },
  };
  return { protocol, open, opened, closed, paused, mostQueuedBytes: () => mostQueued };
}
