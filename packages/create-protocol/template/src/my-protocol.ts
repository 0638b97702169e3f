/** Answers every line with its length: a place to begin. */
import {
  type Connection,
  checkOptionNames,
  FrameReader,
  integerOption,
  lines,
  type Protocol,
} from '@sluice/reactor';

export interface MyProtocolOptions {
  /** A longer line closes the connection. Default 1000. */
  readonly maxLineBytes?: number;
  /** How long a peer may be silent before it is told to leave. Default 30 seconds. */
  readonly patienceMs?: number;
}

/** What is known of one connection. */
export interface MyProtocolState {
  /** Cuts what arrives into lines, and keeps the beginning of one whose end has not come yet. */
  readonly reader: FrameReader<string>;
}

/**
 * One protocol object serves any number of connections: what belongs to one of them is in `conn.state`.
 *
 * @throws UsageError for options that do not exist or are out of range.
 */
export function myProtocol(options: MyProtocolOptions = {}): Protocol<MyProtocolState> {
  checkOptionNames('myProtocol', options, ['maxLineBytes', 'patienceMs']);
  const maxBytes = integerOption('maxLineBytes', options.maxLineBytes, 1000, 1);
  const patienceMs = integerOption('patienceMs', options.patienceMs, 30_000, 1);
  const framing = lines({ maxBytes, encoding: 'utf8' });
  return {
    onOpen(conn) {
      conn.setDeadline(patienceMs);
      return { reader: new FrameReader(framing) };
    },

    // Bytes come in pieces of any size: half a line, or ten of them.
    onData(conn, chunk) {
      conn.setDeadline(patienceMs);
      conn.state.reader.read(conn, chunk, answer, (broken) => leave(broken, 'that line is too long\n'));
    },

    // What was queued has left: read on.
    onDrain: (conn) => conn.resume(),

    // The peer has said everything, and still listens. What it has not ended with a line break is a line, too.
    onEnd(conn) {
      const rest = conn.state.reader.takeRest();
      if (rest.length > 0) answer(conn, rest.toString());
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

function answer(conn: Connection<MyProtocolState>, line: string): void {
  const flows = conn.write(`${line.length}\n`);
  // The peer sends faster than it reads: take no more from it until what is queued has left.
  if (!flows) conn.pause();
}

function leave(conn: Connection<MyProtocolState>, words: string): void {
  conn.write(words);
  conn.close();
}
