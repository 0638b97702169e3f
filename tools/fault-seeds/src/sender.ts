/** Sends a message in pieces of any size, as fast as its connection takes them. */
import type { Connection } from '@sluice/reactor';
import type { Random } from './random.ts';

export class Sender {
  private rest: Buffer;
  private readonly random: Random;
  private readonly whenSent: (conn: Connection) => void;

  constructor(message: Buffer, random: Random, whenSent: (conn: Connection) => void) {
    this.rest = message;
    this.random = random;
    this.whenSent = whenSent;
  }

  /** For `onOpen` and `onDrain`. */
  goOn(conn: Connection): void {
    if (conn.writeHalf === 'ended') return;
    while (this.rest.length > 0) {
      const piece = this.rest.subarray(0, this.random.integer(1, 60_000));
      this.rest = this.rest.subarray(piece.length);
      const flows = this.random.chance(0.3) ? conn.writeShared(piece) : conn.write(piece);
      if (!flows) return;
    }
    this.whenSent(conn);
  }
}

/** Now and then stops reading for a turn of the loop. */
export function dawdle(conn: Connection, random: Random): void {
  if (!random.chance(0.1)) return;
  conn.pause();
  if (random.chance(0.3)) conn.resume();
  else setImmediate(() => conn.resume());
}
