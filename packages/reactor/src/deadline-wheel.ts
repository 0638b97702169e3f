/**
 * Deadlines of all connections on one coarse timing wheel (Varghese and Lauck, 1987): setting and clearing cost a few
 * assignments, and one timer of Node's serves them all, none while nothing is set.
 *
 * Rule: a deadline never fires early, and at most two ticks late, but where more are due than a turn may take. Nothing is
 * allocated for it: the node is the holder.
 */

// The global of that name is a getter, which costs as much as the clock.
import { performance } from 'node:perf_hooks';

/** Fields that the wheel needs on whoever has a deadline. They belong to the wheel. */
export interface DeadlineHolder {
  deadlineTick: number;
  deadlineNext: DeadlineHolder | undefined;
  deadlinePrevious: DeadlineHolder | undefined;
  /** The deadline passed; it is cleared already and may be set again. */
  onDeadline(): void;
}

/** What the wheel needs of the outside: time, and being called back. Tests bring their own. */
export interface Clock {
  /** Monotonic milliseconds. */
  now(): number;
  /**
   * Calls `callback` once after `delayMs`, when all that has arrived by then was dispatched: a peer is not late because
   * this thread was. Does not keep the process alive. Returns how to cancel.
   */
  after(delayMs: number, callback: () => void): () => void;
}

export const systemClock: Clock = {
  now: () => performance.now(),
  after(delayMs, callback) {
    let immediate: NodeJS.Immediate | undefined;
    // Timers come before the poll phase: after a long task one fires while what came meanwhile is still in the sockets. The
    // immediate keeps the loop for this one round; without a reference it would come when something else ends the poll.
    const timer = setTimeout(() => {
      immediate = setImmediate(callback);
    }, delayMs);
    timer.unref();
    return () => {
      clearTimeout(timer);
      clearImmediate(immediate);
    };
  },
};

/** Not set. */
export const NO_DEADLINE = -1;

const SPOKES = 256;

const NEVER = Number.POSITIVE_INFINITY;

/** The timer fires once a second at least, so that ten thousand idle connections cost nothing and the lag is known. */
const LONGEST_SLEEP_TICKS = 20;

export class DeadlineWheel {
  private readonly clock: Clock;
  private readonly tickMs: number;
  private readonly onDue: () => void;
  private readonly spokes: (DeadlineHolder | undefined)[] = new Array<DeadlineHolder | undefined>(
    SPOKES,
  ).fill(undefined);
  /** No deadline of a spoke is due before this tick. A lower bound: it does not follow what is cleared. */
  private readonly earliest = new Array<number>(SPOKES).fill(NEVER);
  private readonly origin: number;
  private held = 0;
  private cancelTimer: (() => void) | undefined;
  /** When the timer is due. */
  private timerTick = NEVER;
  /** By how much the timer came late last, and the most of all: how long the process was busy with something else. */
  lagMs = 0;
  maxLagMs = 0;

  /** `onDue` is called when a tick has passed and must lead to {@link expire}, inside a turn of the reactor. */
  constructor(clock: Clock, onDue: () => void, tickMs = 50) {
    this.clock = clock;
    this.tickMs = tickMs;
    this.onDue = onDue;
    this.origin = clock.now();
  }

  /** Deadlines that are set. */
  get size(): number {
    return this.held;
  }

  /** Sets (or moves) the deadline of `holder`. */
  set(holder: DeadlineHolder, delayMs: number): void {
    if (holder.deadlineTick !== NO_DEADLINE) this.clear(holder);
    // The first tick that begins when the delay is over: early is not allowed.
    const tick = Math.ceil((this.clock.now() - this.origin + delayMs) / this.tickMs);
    const spoke = tick % SPOKES;
    holder.deadlineTick = tick;
    this.earliest[spoke] = Math.min(this.earliest[spoke] as number, tick);
    const first = this.spokes[spoke];
    holder.deadlineNext = first;
    holder.deadlinePrevious = undefined;
    if (first !== undefined) first.deadlinePrevious = holder;
    this.spokes[spoke] = holder;
    this.held += 1;
    this.wakeAt(tick);
  }

  /** Harmless when none is set. */
  clear(holder: DeadlineHolder): void {
    if (holder.deadlineTick === NO_DEADLINE) return;
    const { deadlineNext: next, deadlinePrevious: previous } = holder;
    if (next !== undefined) next.deadlinePrevious = previous;
    if (previous !== undefined) previous.deadlineNext = next;
    if (previous === undefined) this.spokes[holder.deadlineTick % SPOKES] = next;
    holder.deadlineTick = NO_DEADLINE;
    holder.deadlineNext = undefined;
    holder.deadlinePrevious = undefined;
    this.held -= 1;
    if (this.held === 0) this.stopTimer();
  }

  /** Calls `most` of those whose deadline has passed, or fewer. Whether some may be left, who are due at once. */
  expire(most: number): boolean {
    const now = this.tickNow();
    const due: DeadlineHolder[] = [];
    for (let spoke = 0; spoke < SPOKES && due.length < most; spoke += 1) {
      if ((this.earliest[spoke] as number) <= now) this.collect(spoke, now, due, most);
    }
    for (const holder of due) {
      // An earlier one's callback may have cleared or moved it.
      if (holder.deadlineTick === NO_DEADLINE || holder.deadlineTick > now) continue;
      this.clear(holder);
      holder.onDeadline();
    }
    if (due.length === most) return this.held > 0;
    if (this.held > 0) this.wakeAt(Math.min(...this.earliest));
    return false;
  }

  /** Stops the timer; what is set stays unfired. */
  close(): void {
    this.stopTimer();
  }

  private tickNow(): number {
    return Math.floor((this.clock.now() - this.origin) / this.tickMs);
  }

  /** Adds who is due on a spoke to `due`, up to `most`, and when that was everybody learns when the next one is. */
  private collect(spoke: number, now: number, due: DeadlineHolder[], most: number): void {
    let earliest = NEVER;
    for (let holder = this.spokes[spoke]; holder !== undefined; holder = holder.deadlineNext) {
      if (due.length === most) return;
      if (holder.deadlineTick <= now) due.push(holder);
      else earliest = Math.min(earliest, holder.deadlineTick);
    }
    this.earliest[spoke] = earliest;
  }

  /** Sees to it that the timer fires at `tick`, or soon enough to measure the lag. */
  private wakeAt(tick: number): void {
    const nowMs = this.clock.now() - this.origin;
    const wanted = Math.min(tick, Math.floor(nowMs / this.tickMs) + LONGEST_SLEEP_TICKS);
    if (this.timerTick <= wanted) return;
    this.cancelTimer?.();
    this.timerTick = wanted;
    const dueMs = wanted * this.tickMs;
    this.cancelTimer = this.clock.after(Math.max(0, dueMs - nowMs), () => {
      this.cancelTimer = undefined;
      this.timerTick = NEVER;
      this.lagMs = Math.max(0, this.clock.now() - this.origin - dueMs);
      this.maxLagMs = Math.max(this.maxLagMs, this.lagMs);
      this.onDue();
    });
  }

  private stopTimer(): void {
    this.cancelTimer?.();
    this.cancelTimer = undefined;
    this.timerTick = NEVER;
  }
}
