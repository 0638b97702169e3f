/** The reference protocol (RFC 862): every byte comes back, in order, however slow the peer reads. */
import type { Connection, Protocol } from '@sluice/reactor';

/** What `echo` keeps of each connection. */
export interface EchoState {
  /** Bytes echoed so far. */
  bytes: number;
}

/** Echoes. One object serves any number of connections. */
export function echo(): Protocol<EchoState> {
  return {
    onOpen: () => ({ bytes: 0 }),

    onData(conn: Connection<EchoState>, chunk: Buffer) {
      conn.state.bytes += chunk.length;
      // The peer sends faster than it reads: take no more from it until what is queued has left.
      if (!conn.write(chunk)) conn.pause();
    },

    onDrain: (conn) => conn.resume(),

    // The peer has said everything; send the rest back and end our side too.
    onEnd: (conn) => conn.end(),
  };
}
