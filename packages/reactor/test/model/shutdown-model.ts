/** What the shutdowns that a connection belongs to, of its server or of the whole reactor, ask of it. */
import { LISTENER_DRAIN_MS } from '../../src/listener.ts';
import { LATEST_MS } from './deadline-model.ts';

export class ShutdownModel {
  /** When the first of them destroys it. */
  destroysAt = Number.POSITIVE_INFINITY;
  /** The protocol of now has heard of it. */
  isTold = false;
  /** When that has to be so at the latest. */
  private tellsAt = Number.POSITIVE_INFINITY;

  begin(now: number, deadlineMs: number): void {
    this.destroysAt = Math.min(this.destroysAt, now + deadlineMs);
    // Listeners go first, if there is the time.
    const waitMs = deadlineMs < 2 * LISTENER_DRAIN_MS ? 0 : LISTENER_DRAIN_MS + LATEST_MS;
    this.tellsAt = Math.min(this.tellsAt, now + waitMs);
  }

  get isUnderWay(): boolean {
    return this.destroysAt < Number.POSITIVE_INFINITY;
  }

  /** It has begun, and the protocol of now should have heard of it. */
  isDue(now: number): boolean {
    return this.tellsAt <= now && !this.isTold;
  }
}
