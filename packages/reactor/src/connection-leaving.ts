/**
 * How a connection comes to its end, whatever that is due to. What leads there is `connection.ts`.
 *
 * Rule: there is one way out, `finish`, and it is gone once. A write that fails is not the end yet: what the peer sent
 * before is delivered first.
 */
import type { ConnectionDeadlines } from './connection-deadlines.ts';
import { ConnectionView } from './connection-view.ts';
import { cutsShort } from './cut.ts';
import { TimeoutError } from './errors.ts';
import { stepLifecycle } from './lifecycle.ts';
import type { Listing } from './listing.ts';
import { pendingFailure } from './plain-transport.ts';
import type { CloseReason } from './protocol.ts';
import type { Telling } from './telling.ts';
import type { TransportFailure } from './transport.ts';

export abstract class ConnectionLeaving<State> extends ConnectionView<State> {
  protected abstract readonly telling: Telling<State>;
  protected abstract readonly listing: Listing;
  protected abstract readonly deadlines: ConnectionDeadlines;
  /** A write failed: what the peer sent before is still delivered, then the connection closes with this. */
  protected doom: TransportFailure | undefined;

  destroy(error?: Error): void {
    // Whoever gives up after a write failed tells a consequence: the failure is why.
    if (this.doom !== undefined) return this.finish(this.doom.reason, this.doom.error);
    this.finish(error === undefined ? 'clean' : 'error', error);
  }

  /** Tells of what code threw that runs in the place of a hook, but later. */
  report(error: Error): void {
    this.loop.report(error);
  }

  onShutdownDeadline(deadlineMs: number): void {
    this.loop.counters.deadlines.shutdown += 1;
    this.finish('timeout', new TimeoutError('shutdown', deadlineMs));
  }

  /** Writing is over; the receive queue may hold what the peer sent before it broke off, which is delivered first. */
  protected writeFailed(): void {
    this.doom = this.transport.failure();
    this.writing.abort(this.doom.error);
    if (this.reading.half !== 'idle' && this.reading.half !== 'draining') return;
    this.reading.edge();
    this.reading.doubtShortReads();
    this.listing.ready();
  }

  /** The peer had ended its side and then broke off: a read goes on telling the end, and a write may never come. */
  protected noticeError(): void {
    const failure = pendingFailure(this.loop.sockets, this.registration.fd);
    if (failure !== undefined) this.transportFailed(failure);
  }

  protected transportFailed(failure: TransportFailure): void {
    this.finish(failure.reason, failure.error);
  }

  /** A hook that throws costs its connection, and nothing else. */
  protected endIfThrown(thrown: Error | undefined): void {
    if (thrown !== undefined) this.finish('error', thrown);
  }

  protected finish(reason: CloseReason, error: Error | undefined): void {
    if (this.lifecycle === 'closed') return;
    // What it has said was said before.
    this.writing.sendPosted();
    if (this.telling.hasBegun && cutsShort(reason, this.reading, this.writing, this.transport))
      this.loop.sockets.setOption(this.registration.fd, 'lingerSeconds', 0);
    this.lifecycle = stepLifecycle(this.lifecycle, 'close');
    this.reading.end();
    this.writing.abort(error);
    this.deadlines.clear();
    this.registration.remove();
    this.transport.close();
    this.listing.close();
    this.loop.counters.closed += 1;
    this.loop.counters.closedBy[reason] += 1;
    this.telling.close(reason, error);
  }
}
