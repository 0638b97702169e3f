/**
 * The end of a server or of a whole reactor: everybody is asked to leave, and this waits until nobody is left, or
 * destroys who is at the deadline.
 *
 * Rule: it settles once, in the turn in which the last one went. Listeners go first: whoever is asked to leave connects
 * anew, and while a listener still refuses newcomers in silence he would wait a second to try again, instead of being told to
 * go elsewhere.
 */
import { type DeadlineHolder, NO_DEADLINE } from './deadline-wheel.ts';
import { LISTENER_DRAIN_MS } from './listener.ts';
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
  private readonly listeners: readonly Pollable[];
  private haveAllBeenAsked = false;

  /** Asks listeners, and what was not accepted here, to leave; connections that were accepted are asked when listeners have closed. */
  constructor(loop: Loop, drained: Drained, deadlineMs: number) {
    this.loop = loop;
    this.drained = drained;
    this.deadlineMs = deadlineMs;
    this.goneBefore = drained.gone();
    this.done = new Promise((resolve) => {
      this.resolve = resolve;
    });
    const everybody = drained.remaining();
    this.listeners = everybody.filter(isListener);
    // Without the time to wait for listeners it is better to be asked too early than not at all.
    const isHurried = deadlineMs < 2 * LISTENER_DRAIN_MS;
    for (const pollable of everybody) {
      const { listener } = pollable;
      if (isHurried || listener === pollable || listener === undefined) pollable.onShutdown();
    }
    loop.drains.add(this);
    loop.deadlines.set(this, deadlineMs);
    if (deadlineMs === 0) this.onDeadline();
    this.onListenerDrained();
    this.onReaped();
  }

  /** Asks all that are left once no listener refuses newcomers in silence any more. */
  onListenerDrained(): void {
    if (this.haveAllBeenAsked || this.listeners.some(({ refuses }) => refuses)) return;
    this.haveAllBeenAsked = true;
    for (const pollable of this.drained.remaining()) pollable.onShutdown();
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
    const connections = late.filter((pollable) => !isListener(pollable));
    this.destroyed = connections.length;
    for (const pollable of late) if (isListener(pollable)) pollable.onShutdownDeadline(this.deadlineMs);
    for (const connection of connections) connection.onShutdownDeadline(this.deadlineMs);
  }
}

function isListener(pollable: Pollable): boolean {
  return pollable.listener === pollable;
}
