/**
 * Deadlines of all connections on one coarse timing wheel (Varghese and Lauck, 1987): setting and clearing cost a few
 * assignments, and one timer of Node's serves them all, none while nothing is set.
 *
 * Rule: a deadline never fires early, and at most two ticks late. Nothing is allocated for it: the node is the holder.
 */

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
  /** Calls `callback` once after `delayMs`, without keeping the process alive. Returns how to cancel. */
  after(delayMs: number, callback: () => void): () => void;
}

export const systemClock: Clock = {
  now: () => performance.now(),
  after(delayMs, callback) {
    const timer = setTimeout(callback, delayMs);
    timer.unref();
    return () => clearTimeout(timer);
  },
};

/** Not set. */
export const NO_DEADLINE = -1;

const SPOKES = 256;

export class DeadlineWheel {
  private readonly clock: Clock;
  private readonly tickMs: number;
  private readonly onDue: () => void;
  private readonly spokes: (DeadlineHolder | undefined)[] = new Array<DeadlineHolder | undefined>(
    SPOKES,
  ).fill(undefined);
  private readonly origin: number;
  /** All ticks up to this one have been looked at. */
  private current = 0;
  private held = 0;
  private cancelTimer: (() => void) | undefined;
  private timerDueMs = 0;
  /** By how much the last tick came late, and the latest of all: how long the process was busy with something else. */
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
    if (this.held === 0) this.current = this.tickNow();
    // The first tick that begins when the delay is over (early is not allowed) and has not been looked at yet.
    const tick = Math.ceil((this.clock.now() - this.origin + delayMs) / this.tickMs);
    holder.deadlineTick = Math.max(tick, this.current + 1);
    const spoke = holder.deadlineTick % SPOKES;
    const first = this.spokes[spoke];
    holder.deadlineNext = first;
    holder.deadlinePrevious = undefined;
    if (first !== undefined) first.deadlinePrevious = holder;
    this.spokes[spoke] = holder;
    this.held += 1;
    this.startTimer();
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

  /** Calls everybody whose deadline has passed. */
  expire(): void {
    const now = this.tickNow();
    // After a long stall one round over all spokes sees everything that is due.
    const spokes = Math.min(now - this.current, SPOKES);
    const due: DeadlineHolder[] = [];
    for (let tick = now - spokes + 1; tick <= now; tick += 1) {
      for (let holder = this.spokes[tick % SPOKES]; holder !== undefined; holder = holder.deadlineNext) {
        if (holder.deadlineTick <= now) due.push(holder);
      }
    }
    this.current = now;
    for (const holder of due) {
      // An earlier one's callback may have cleared or moved it.
      if (holder.deadlineTick === NO_DEADLINE || holder.deadlineTick > now) continue;
      this.clear(holder);
      holder.onDeadline();
    }
    if (this.held > 0) this.startTimer();
  }

  /** Stops the timer; what is set stays unfired. */
  close(): void {
    this.stopTimer();
  }

  private tickNow(): number {
    return Math.floor((this.clock.now() - this.origin) / this.tickMs);
  }

  private startTimer(): void {
    if (this.cancelTimer !== undefined) return;
    this.timerDueMs = this.clock.now() + this.tickMs;
    this.cancelTimer = this.clock.after(this.tickMs, () => {
      this.cancelTimer = undefined;
      this.lagMs = Math.max(0, this.clock.now() - this.timerDueMs);
      this.maxLagMs = Math.max(this.maxLagMs, this.lagMs);
      this.onDue();
    });
  }

  private stopTimer(): void {
    this.cancelTimer?.();
    this.cancelTimer = undefined;
  }
}
