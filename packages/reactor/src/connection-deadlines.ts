/**
 * The deadlines of one connection, on one node of the wheel: a fixed one while it shakes hands or closes, and
 * whichever of the open ones comes first while it is open.
 *
 * Rule: traffic costs nothing here. It notes the time where it passes; when the node fires, that is looked at.
 */

import type { Deadline, OpenDeadline } from './deadline.ts';
import { type DeadlineHolder, NO_DEADLINE } from './deadline-wheel.ts';
import type { Loop } from './loop.ts';
import { changeTimeouts, NEVER, nextDeadline, type Timeouts } from './open-deadlines.ts';
import { integerOption } from './options.ts';
import { RateWindow } from './rate-window.ts';
import type { ReadSide } from './read-side.ts';
import type { WriteSide } from './write-side.ts';

/** Who is told. */
export interface DeadlineListener {
  /** A pause of the protocol's keeps the handshake from going on: that it takes so long is not the peer's fault. */
  readonly holdsUpHandshake: boolean;
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
  /** When the protocol set a deadline of its own, and for how long; NEVER while it has none. */
  private ownSinceMs = NEVER;
  private ownMs = 0;
  /** When the node is due while the open deadlines run; NEVER while it is not set. */
  private nodeAtMs = NEVER;
  /** The blocked write that was taken into account when the node was set. */
  private watchedBlockMs = NEVER;
  /** Made when a rate is first measured: most connections never are. */
  private receiveWindow: RateWindow | undefined;
  private sendWindow: RateWindow | undefined;

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
    this.measureReceiving();
    this.setNext();
  }

  /** Replaces open deadlines; throws `UsageError`. Rates are measured anew from here. */
  change(changes: Partial<Timeouts>): void {
    this.timeouts = changeTimeouts(this.timeouts, changes);
    if (!this.isOpen()) return;
    this.measureReceiving();
    this.measureSending();
    this.setNext();
  }

  /** Another protocol has the connection: every deadline begins anew, as the reactor's limits have it. */
  beginAnew(): void {
    this.timeouts = this.loop.timeouts;
    this.ownSinceMs = NEVER;
    this.waivedMs = this.loop.nowMs;
    this.measureReceiving();
    this.measureSending();
    this.setNext();
  }

  /**
   * Sets the protocol's own deadline; 0 takes it back; throws `UsageError`. The node moves only when it would come too
   * late: one that was put off, or taken back, is found out when the node fires.
   */
  setOwn(afterMs: number): void {
    const ownMs = integerOption('afterMs', afterMs, 0, 0);
    this.ownMs = ownMs;
    this.ownSinceMs = ownMs === 0 ? NEVER : this.loop.nowMs;
    if (ownMs === 0 || !this.isOpen()) return;
    if (this.nodeAtMs === NEVER || this.ownSinceMs + ownMs < this.nodeAtMs) this.setNext();
  }

  /** The protocol takes bytes again: what the peer could not send meanwhile is not its fault. */
  resumed(): void {
    if (this.receiveWindow === undefined || !this.isOpen()) return;
    this.measureReceiving();
    this.setNext();
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
      if (this.listener.holdsUpHandshake) return this.begin('handshake', this.fixed.timeoutMs);
      this.pass(this.fixed.which, this.fixed.timeoutMs);
      return;
    }
    const next = this.next();
    if (next?.which === 'protocol' && next.atMs <= this.loop.nowMs) {
      this.ownSinceMs = NEVER;
      if (!this.pass('protocol', next.timeoutMs)) return;
    } else if (next !== undefined && next.atMs <= this.loop.nowMs) {
      const keepsUp = this.keepsUp(next.which);
      if (!keepsUp && !this.pass(next.which, next.timeoutMs)) return;
      if (!keepsUp) this.waivedMs = this.loop.nowMs;
    }
    if (this.isOpen()) this.setNext();
  }

  private pass(which: Deadline, timeoutMs: number): boolean {
    this.loop.counters.deadlines[which] += 1;
    return this.listener.onDeadlinePassed(which, timeoutMs);
  }

  /** The end of a rate's window: a new one begins. False when too little moved, and for every other deadline. */
  private keepsUp(which: OpenDeadline): boolean {
    const { rateWindowMs, minReceiveBytesPerSecond, minSendBytesPerSecond } = this.timeouts;
    const isReceiving = which === 'receive-rate';
    const window = isReceiving ? this.receiveWindow : which === 'send-rate' ? this.sendWindow : undefined;
    if (window === undefined) return false;
    const { bytes } = isReceiving ? this.reading : this.writing;
    const rate = isReceiving ? minReceiveBytesPerSecond : minSendBytesPerSecond;
    const keepsUp = window.keepsUp(bytes, rate, rateWindowMs);
    window.restart(this.loop.nowMs, bytes);
    return keepsUp;
  }

  private measureReceiving(): void {
    if (this.timeouts.minReceiveBytesPerSecond === 0) this.receiveWindow = undefined;
    else this.receiveWindow = new RateWindow(this.loop.nowMs, this.reading.bytes);
  }

  /** A write blocked, or none is blocked any more. */
  private measureSending(): void {
    const { blockedMs, bytes } = this.writing;
    this.watchedBlockMs = blockedMs;
    const measured = blockedMs !== NEVER && this.timeouts.minSendBytesPerSecond > 0;
    this.sendWindow = measured ? new RateWindow(this.loop.nowMs, bytes) : undefined;
  }

  private isOpen(): boolean {
    return this.openedMs !== NEVER && this.fixed === undefined;
  }

  private setNext(): void {
    if (this.writing.blockedMs !== this.watchedBlockMs) this.measureSending();
    const next = this.next();
    this.nodeAtMs = next?.atMs ?? NEVER;
    if (next === undefined) this.loop.deadlines.clear(this);
    else this.loop.deadlines.set(this, Math.max(0, next.atMs - this.loop.nowMs));
  }

  /** The protocol's own deadline, unless another comes first. */
  private next(): ReturnType<typeof nextDeadline> {
    const next = this.nextOfTraffic();
    if (this.ownSinceMs === NEVER) return next;
    const atMs = this.ownSinceMs + this.ownMs;
    if (next !== undefined && next.atMs < atMs) return next;
    return { which: 'protocol', atMs, timeoutMs: this.ownMs };
  }

  private nextOfTraffic(): ReturnType<typeof nextDeadline> {
    const { openedMs, waivedMs } = this;
    const { lastBytesMs: lastReadMs } = this.reading;
    const { lastBytesMs: lastWriteMs, blockedMs } = this.writing;
    const { half } = this.reading;
    const owesBytes = half !== 'paused' && half !== 'ended';
    const receiveWindowMs = owesBytes ? (this.receiveWindow?.sinceMs ?? NEVER) : NEVER;
    const sendWindowMs = this.sendWindow?.sinceMs ?? NEVER;
    return nextDeadline(
      { openedMs, lastReadMs, lastWriteMs, blockedMs, waivedMs, receiveWindowMs, sendWindowMs },
      this.timeouts,
    );
  }
}
