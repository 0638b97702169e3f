/**
 * The writing side of a connection among the others of a batch: what it has staged may wait for the end of that, and leave in
 * one call with what they have (departures.ts).
 *
 * Rule: it is posted only where it is all that there is to send. Until that is settled it counts as queued, and nothing is
 * sent ahead of it.
 */
import { DEPARTURE_BYTES, type Sender } from './departures.ts';
import { NOT_BATCHED, type Progress, Status } from './transport.ts';
import { WriteSide } from './write-side.ts';

const NOT_POSTED = -1;

/** `rest`: not all of it; what did not leave is queued, ahead of everything. `failed`: the transport did. */
type Sent = 'left' | 'rest' | 'failed';

export class WriteSideBatched extends WriteSide {
  /** Under which number what was staged last waits to be sent with what others have staged. */
  private posted = NOT_POSTED;
  private postedBytes = 0;

  override get queuedBytes(): number {
    return this.queue.bytes + this.postedBytes;
  }

  override abort(cause: Error | undefined): void {
    this.posted = NOT_POSTED;
    this.postedBytes = 0;
    super.abort(cause);
  }

  /** Leaves what is staged to the end of the batch, if there is nothing but that. */
  post(sender: Sender): boolean {
    const { outbox, departures } = this.loop;
    const { length } = outbox;
    if (length === 0 || length > DEPARTURE_BYTES || !departures.hasRoom) return false;
    const { batchHandle = NOT_BATCHED } = this.transport;
    if (batchHandle === NOT_BATCHED || !this.isClear || this.needsDrain) return false;
    this.posted = departures.post(batchHandle, sender);
    this.postedBytes = length;
    return true;
  }

  /** What was posted has been sent. Answers how far that went, as {@link sendPosted} does. */
  settlePosted(): Sent {
    const { posted } = this;
    const outcome = this.loop.departures.outcome(posted);
    if (outcome === Status.failed) this.failAgain(posted);
    return this.postedLeft(outcome);
  }

  /** Makes the failure of what was posted the last one: of a socket by its number, of a session by asking again. */
  private failAgain(posted: number): void {
    const { departures, sockets } = this.loop;
    if (departures.isSocket(posted)) sockets.failAgain(departures.errno(posted), true);
    else this.transport.write(departures.bytes(posted), 0, this.postedBytes);
  }

  /** Sends what was posted without waiting for the end of the batch. */
  sendPosted(): Sent {
    const { posted } = this;
    if (posted === NOT_POSTED) return 'left';
    const { departures } = this.loop;
    departures.takeBack(posted);
    return this.postedLeft(this.transport.write(departures.bytes(posted), 0, this.postedBytes));
  }

  private postedLeft(outcome: Progress): Sent {
    const { posted, postedBytes } = this;
    this.posted = NOT_POSTED;
    this.postedBytes = 0;
    if (outcome > 0) this.left(outcome);
    if (outcome === postedBytes) return 'left';
    if (outcome === Status.failed) return 'failed';
    // Nobody has sent anything of what was queued meanwhile.
    this.queue.prependCopy(this.loop.departures.bytes(posted).subarray(Math.max(outcome, 0)));
    return 'rest';
  }
}
