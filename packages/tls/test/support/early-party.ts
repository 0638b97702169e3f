/** One side of a conversation that can tell early data: it notes what came when, and says its first words at once. */
import type { Connection } from '@sluice/reactor';
import { Party } from './party.ts';
import { Tally } from './tally.ts';

/** In order: bytes with the lifecycle that they came in, and what happened between them. */
export type Note = readonly ['early' | 'open', string] | 'handshaken';

export class EarlyParty extends Party {
  readonly earlyData = true;
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
    const { lifecycle } = conn;
    const last = this.notes.at(-1);
    const text = chunk.toString('latin1');
    if (typeof last === 'object' && last[0] === lifecycle) this.notes[this.notes.length - 1] = [lifecycle, last[1] + text];
    else this.notes.push([lifecycle as 'early' | 'open', text]);
    super.onData(conn, chunk);
  }

  onHandshaken(conn: Connection): void {
    this.notes.push('handshaken');
    this.handshaken.add(conn);
  }
}
