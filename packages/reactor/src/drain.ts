/**
 * The end of a server or of a whole reactor: everybody was asked to leave, and this waits until nobody is left, or
 * destroys who is at the deadline.
 *
 * Rule: it settles once, in the turn in which the last one went.
 */
import { type DeadlineHolder, NO_DEADLINE } from './deadline-wheel.ts';
import type { Loop } from './loop.ts';
import type { Pollable } from './pollable.ts';

/** How a shutdown ended. Listeners are not counted. */
export interface ShutdownReport {
  /** Connections that ended by themselves, those included that the backlog still held when it began. */
  readonly drained: number;
  /** Connections that had to be destroyed at the deadline. */
  readonly destroyed: number;
}

/** Whose end it is. */
export interface Drained {
  /** Who has not left yet. */
  remaining(): Pollable[];
  /** The same, told fast: asked after each turn in which somebody left. */
  isEmpty(): boolean;
  /** How many connections have gone so far. */
  gone(): number;
}

export class Drain implements DeadlineHolder {
  // The wheel's.
  deadlineTick = NO_DEADLINE;
  deadlineNext: DeadlineHolder | undefined = undefined;
  deadlinePrevious: DeadlineHolder | undefined = undefined;

  readonly done: Promise<ShutdownReport>;
  private resolve: (report: ShutdownReport) => void = () => {};
  private readonly loop: Loop;
  private readonly drained: Drained;
  private readonly deadlineMs: number;
  private readonly goneBefore: number;
  private destroyed = 0;

  /** Asks everybody to leave. */
  constructor(loop: Loop, drained: Drained, deadlineMs: number) {
    this.loop = loop;
    this.drained = drained;
    this.deadlineMs = deadlineMs;
    this.goneBefore = drained.gone();
    this.done = new Promise((resolve) => {
      this.resolve = resolve;
    });
    for (const pollable of drained.remaining()) pollable.onShutdown();
    loop.drains.add(this);
    loop.deadlines.set(this, deadlineMs);
    if (deadlineMs === 0) this.onDeadline();
    this.onReaped();
  }

  /** Somebody left. */
  onReaped(): void {
    if (!this.drained.isEmpty()) return;
    this.loop.drains.delete(this);
    this.loop.deadlines.clear(this);
    this.resolve({
      drained: this.drained.gone() - this.goneBefore - this.destroyed,
      destroyed: this.destroyed,
    });
  }

  onDeadline(): void {
    // A listener goes first, so that nobody comes after the count.
    const late = this.drained.remaining();
    const isListener = (pollable: Pollable) => pollable.listener === pollable;
    const connections = late.filter((pollable) => !isListener(pollable));
    this.destroyed = connections.length;
    for (const pollable of late) if (isListener(pollable)) pollable.onShutdownDeadline(this.deadlineMs);
    for (const connection of connections) connection.onShutdownDeadline(this.deadlineMs);
  }
}
