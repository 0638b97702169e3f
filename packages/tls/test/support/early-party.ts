/** One side of a conversation that can tell early data: it notes what came when, and says its first words at once. */
import type { Connection } from '@sluice/reactor';
import { Party } from './party.ts';
import { Tally } from './tally.ts';

/** Bytes with the lifecycle that they came in, or that the handshake was complete. */
export type Note = readonly [lifecycle: string, text: string] | 'handshaken';

export class EarlyParty extends Party {
  readonly earlyData = true;
  /** What happened, in order, over all connections. */
  readonly notes: Note[] = [];
  /** The lifecycle that `onOpen` found, of each connection. */
  readonly openedAs: string[] = [];
  readonly handshaken = new Tally<Connection>();
  private readonly say: (conn: Connection) => void;

  constructor(say: (conn: Connection) => void = () => {}) {
    super();
    this.say = say;
  }

  override onOpen(conn: Connection): void {
    this.openedAs.push(conn.lifecycle);
    this.say(conn);
    super.onOpen(conn);
  }

  override onData(conn: Connection, chunk: Buffer): void {
    const text = chunk.toString('latin1');
    const last = this.notes.at(-1);
    if (typeof last === 'object' && last[0] === conn.lifecycle)
      this.notes[this.notes.length - 1] = [conn.lifecycle, last[1] + text];
    else this.notes.push([conn.lifecycle, text]);
    super.onData(conn, chunk);
  }

  onHandshaken(conn: Connection): void {
    this.notes.push('handshaken');
    this.handshaken.add(conn);
  }

  override onEnd(conn: Connection): void {
    super.onEnd(conn);
    conn.end();
  }

  /** The bytes that came early, over all connections. */
  get earlyBytes(): number {
    let bytes = 0;
    for (const note of this.notes)
      if (typeof note === 'object' && note[0] === 'early') bytes += note[1].length;
    return bytes;
  }
}

/** Answers each chunk at once, and says when it came: `early:hello`. */
export class EarlyAnswerer extends EarlyParty {
  override onData(conn: Connection, chunk: Buffer): void {
    super.onData(conn, chunk);
    conn.write(`${conn.lifecycle}:`);
    conn.write(chunk);
  }
}
