/**
 * Whose handshake has a step to take: in order of coming, a few in each turn, behind everything else in it.
 *
 * Rule: a step is taken by whoever's turn it is in here, and by nobody else. One costs as much as twenty requests, and cannot
 * be interrupted: what is ahead of a request that has come meanwhile is the rest of one turn's budget, however many wait.
 */
import type { Pollable } from './pollable.ts';

/** A connection in its handshake. */
export interface Stepper extends Pollable {
  /** Its turn in the queue: takes the step, unless it has become needless. */
  onStep(): void;
}

/** So many that are over are worth moving the others. */
const MANY = 256;

export class HandshakeQueue {
  /** Those who wait are in `[next, end)`. It keeps its room: an array that is emptied has to be made anew for the next. */
  private readonly waiting: (Stepper | undefined)[] = [];
  private next = 0;
  private end = 0;
  private stepping: Stepper | undefined;

  /** How many wait. */
  get length(): number {
    return this.end - this.next;
  }

  /** Puts it at the end. The caller sees to it that nobody waits twice. */
  add(stepper: Stepper): void {
    this.waiting[this.end] = stepper;
    this.end += 1;
  }

  /** Whether `stepper` may take its step now: once, when its turn has come. */
  take(stepper: Stepper): boolean {
    if (this.stepping !== stepper) return false;
    this.stepping = undefined;
    return true;
  }

  /**
   * Gives turns, each by `run`, until `budget` steps were taken, or all had one that are here now. Whoever needs no step
   * any more uses up none of them.
   */
  serve(budget: number, run: (stepper: Stepper) => void): void {
    const { end } = this;
    for (let left = budget; left > 0 && this.next < end; ) {
      const stepper = this.waiting[this.next] as Stepper;
      this.waiting[this.next] = undefined;
      this.next += 1;
      this.stepping = stepper;
      run(stepper);
      if (this.stepping === undefined) left -= 1;
      this.stepping = undefined;
    }
    this.compact();
  }

  /** At most half of it is over, so that a long queue is not copied in each turn. */
  private compact(): void {
    if (this.next < this.end && (this.next < MANY || this.next * 2 < this.end)) return;
    this.waiting.copyWithin(0, this.next, this.end);
    this.waiting.fill(undefined, this.end - this.next, this.end);
    this.end -= this.next;
    this.next = 0;
  }
}
