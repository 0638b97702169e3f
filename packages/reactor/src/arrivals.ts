/**
 * What the next few connections of a batch have received: read for all of them in one call, before the first is told. With 63
 * ready at once that is a twentieth of what a small request costs (performance-notes.md).
 *
 * Rule: bytes that are off the socket are the connection's, whatever is done to it before it is told: it takes them, keeps a
 * copy, or is gone.
 */
import { BATCH_FIELDS, READ_MORE } from '@sluice/core-native';
import { LentViews } from './lent-views.ts';
import type { Sockets } from './loop.ts';

/** How many are read for at once: whoever is told last has waited for all of them. */
export const MOST_ARRIVALS = 16;

/** What is read for one. Who has more to read is seen to be no such connection. */
export const ARRIVAL_BYTES = 4 * 1024;

const OFFSET = 1;
const LENGTH = 2;
const OUTCOME = 3;

export class Arrivals {
  private readonly memory = Buffer.allocUnsafeSlow(MOST_ARRIVALS * ARRIVAL_BYTES);
  private readonly views: readonly LentViews[];
  private readonly table = new Int32Array(MOST_ARRIVALS * BATCH_FIELDS);

  constructor() {
    this.views = Array.from({ length: MOST_ARRIVALS }, (_, seat) => {
      const start = seat * ARRIVAL_BYTES;
      return new LentViews(this.memory.subarray(start, start + ARRIVAL_BYTES));
    });
  }

  /** Asks for what a socket has, or a session, for {@link receive}. */
  ask(seat: number, handle: number): void {
    const at = seat * BATCH_FIELDS;
    this.table[at] = handle;
    this.table[at + OFFSET] = seat * ARRIVAL_BYTES;
    this.table[at + LENGTH] = ARRIVAL_BYTES;
  }

  /** Reads for the first `count` seats. */
  receive(sockets: Sockets, count: number): void {
    sockets.recvMany(this.table, count, this.memory);
  }

  /** A count of bytes, or the status, as `recv` answers it. */
  outcome(seat: number): number {
    const outcome = this.table[seat * BATCH_FIELDS + OUTCOME] as number;
    return outcome > 0 ? outcome & ~READ_MORE : outcome;
  }

  /** Whether nothing was left: of a socket by a short read, of a session by its own word. */
  isDry(seat: number): boolean {
    return (this.table[seat * BATCH_FIELDS + OUTCOME] as number) < ARRIVAL_BYTES;
  }

  /** Of a socket that has failed; 0 of a session, whose next call tells. */
  errno(seat: number): number {
    const at = seat * BATCH_FIELDS;
    return (this.table[at] as number) >= 0 ? (this.table[at + LENGTH] as number) : 0;
  }

  /** The first `count` bytes, lent until the next `receive`. */
  lend(seat: number, count: number): Buffer {
    return (this.views[seat] as LentViews).lend(count);
  }
}
