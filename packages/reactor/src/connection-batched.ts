/**
 * A connection among the others of a batch, whose bytes may be moved in one call with theirs (edge-batch.ts).
 *
 * Rule: it takes part where that is exactly what it would do by itself, and in nothing else.
 */
import { ConnectionLeaving } from './connection-leaving.ts';
import { isOnlyReadable } from './edges.ts';
import { NOT_BATCHED } from './transport.ts';

export abstract class ConnectionBatched<State> extends ConnectionLeaving<State> {
  receivesFrom(ready: number): number {
    if (!isOnlyReadable(ready) || this.lifecycle !== 'open' || !this.reading.mayReadAhead) return NOT_BATCHED;
    return this.transport.batchHandle ?? NOT_BATCHED;
  }

  onArrival(seat: number): void {
    this.reading.arrive(seat);
  }

  settleDeparture(): boolean {
    const end = this.writing.settlePosted();
    if (end === 'failed') this.writeFailed();
    return end !== 'left';
  }
}
