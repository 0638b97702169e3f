/**
 * The deadlines of one connection, on one node of the wheel: a fixed one while it shakes hands or closes, and
 * whichever of the open ones comes first while it is open.
 *
 * Rule: traffic costs nothing here. It notes the time where it passes; when the node fires, that is looked at.
 */
import { type DeadlineHolder, NO_DEADLINE } from './deadline-wheel.ts';
import type { Loop } from './loop.ts';
import { changeTimeouts, type Deadline, NEVER, nextDeadline, type Timeouts } from './open-deadlines.ts';
import type { ReadSide } from './read-side.ts';
import type { WriteSide } from './write-side.ts';

/** Who is told. */
export interface DeadlineListener {
  /** `which` passed. Answers whether it begins anew; the fixed ones never do. */
  onDeadlinePassed(which: Deadline, timeoutMs: number): boolean;
}

export class ConnectionDeadlines implements DeadlineHolder {
  // The wheel's.
  deadlineTick = NO_DEADLINE;
  deadlineNext: DeadlineHolder | undefined = undefined;
  deadlinePrevious: DeadlineHolder | undefined = undefined;

  private readonly loop: Loop;
  private readonly listener: DeadlineListener;
  private readonly reading: ReadSide;
  private readonly writing: WriteSide;
  private timeouts: Timeouts;
  /** The fixed deadline that is set; undefined while the open ones are. */
  private fixed: { readonly which: Deadline; readonly timeoutMs: number } | undefined;
  private openedMs = NEVER;
  private waivedMs = NEVER;
  /** The blocked write that was taken into account when the node was set. */
  private watchedBlockMs = NEVER;

  constructor(loop: Loop, listener: DeadlineListener, reading: ReadSide, writing: WriteSide) {
    this.loop = loop;
    this.listener = listener;
    this.reading = reading;
    this.writing = writing;
    this.timeouts = loop.timeouts;
  }

  /** Sets a fixed deadline in place of whatever was set. */
  begin(which: 'handshake' | 'close', timeoutMs: number): void {
    this.fixed = { which, timeoutMs };
    this.loop.deadlines.set(this, timeoutMs);
  }

  /** The connection is open: from now on the open deadlines run. */
  open(): void {
    this.fixed = undefined;
    this.openedMs = this.loop.nowMs;
    this.setNext();
  }

  /** Replaces open deadlines; throws `UsageError`. */
  change(changes: Partial<Timeouts>): void {
    this.timeouts = changeTimeouts(this.timeouts, changes);
    if (this.isOpen()) this.setNext();
  }

  /** A dispatch is over: a write that blocked in it has a deadline that may come before the one that is set. */
  settle(): void {
    if (this.writing.blockedMs !== this.watchedBlockMs && this.isOpen()) this.setNext();
  }

  clear(): void {
    this.openedMs = NEVER;
    this.loop.deadlines.clear(this);
  }

  onDeadline(): void {
    if (this.fixed !== undefined) {
      this.listener.onDeadlinePassed(this.fixed.which, this.fixed.timeoutMs);
      return;
    }
    const next = this.next();
    if (next !== undefined && next.atMs <= this.loop.nowMs) {
      if (!this.listener.onDeadlinePassed(next.which, next.timeoutMs)) return;
      this.waivedMs = this.loop.nowMs;
    }
    if (this.isOpen()) this.setNext();
  }

  private isOpen(): boolean {
    return this.openedMs !== NEVER && this.fixed === undefined;
  }

  private setNext(): void {
    this.watchedBlockMs = this.writing.blockedMs;
    const next = this.next();
    if (next === undefined) this.loop.deadlines.clear(this);
    else this.loop.deadlines.set(this, Math.max(0, next.atMs - this.loop.nowMs));
  }

  private next(): ReturnType<typeof nextDeadline> {
    const { openedMs, waivedMs } = this;
    const { lastBytesMs: lastReadMs } = this.reading;
    const { lastBytesMs: lastWriteMs, blockedMs } = this.writing;
    return nextDeadline({ openedMs, lastReadMs, lastWriteMs, blockedMs, waivedMs }, this.timeouts);
  }
}
