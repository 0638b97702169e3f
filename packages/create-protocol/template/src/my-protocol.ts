/** Answers every line with its length: a place to begin. */
import type { Connection, Protocol } from '@sluice/reactor';

export interface MyProtocolOptions {
  /** A longer line closes the connection. Default 1000. */
  readonly maxLineBytes?: number;
  /** How long a peer may be silent before it is told to leave. Default 30 seconds. */
  readonly patienceMs?: number;
}

/** What is known of one connection. */
export interface MyProtocolState {
  /** The beginning of a line whose end has not come yet. */
  rest: string;
}

/** One protocol object serves any number of connections: what belongs to one of them is in `conn.state`. */
export function myProtocol({
  maxLineBytes = 1000,
  patienceMs = 30_000,
}: MyProtocolOptions = {}): Protocol<MyProtocolState> {
  return {
    onOpen(conn) {
      conn.setDeadline(patienceMs);
      return { rest: '' };
    },

    // Bytes come in pieces of any size: half a line, or ten of them. `chunk` is lent: what is kept is a copy.
    onData(conn, chunk) {
      const lines = (conn.state.rest + chunk.toString('latin1')).split('\n');
      conn.state.rest = lines.pop() ?? '';
      let flows = true;
      for (const line of lines) flows = answer(conn, line);
      if (conn.state.rest.length > maxLineBytes) return leave(conn, 'that line is too long\n');
      conn.setDeadline(patienceMs);
      // The peer sends faster than it reads: take no more from it until what is queued has left.
      if (!flows) conn.pause();
    },

    onDrain: (conn) => conn.resume(),

    // The peer has said everything. What it has not ended with a line break is a line, too.
    onEnd(conn) {
      if (conn.state.rest !== '') answer(conn, conn.state.rest);
      conn.end();
    },

    // Every deadline comes here; only our own gets words.
    onTimeout(conn, which) {
      if (which !== 'protocol') return false;
      leave(conn, 'still there?\n');
      return true;
    },

    // The server shuts down: what has been answered leaves first.
    onShutdown: (conn) => leave(conn, 'good-bye\n'),
  };
}

/** Whether the peer keeps up. */
function answer(conn: Connection<MyProtocolState>, line: string): boolean {
  return conn.write(`${line.length}\n`);
}

function leave(conn: Connection<MyProtocolState>, words: string): void {
  conn.write(words);
  conn.close();
}
