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

export class HandshakeQueue {
  private waiting: Stepper[] = [];
  /** Those before it have had their turn. */
  private next = 0;
  private stepping: Stepper | undefined;

  /** How many wait. */
  get length(): number {
    return this.waiting.length - this.next;
  }

  /** Puts it at the end. The caller sees to it that nobody waits twice. */
  add(stepper: Stepper): void {
    this.waiting.push(stepper);
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
    const end = this.waiting.length;
    for (let left = budget; left > 0 && this.next < end; ) {
      const stepper = this.waiting[this.next] as Stepper;
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
    if (this.next * 2 < this.waiting.length) return;
    this.waiting = this.waiting.slice(this.next);
    this.next = 0;
  }
}
