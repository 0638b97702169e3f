/** Time that passes when a test says so. */
import type { Clock } from '../deadline-wheel.ts';

/** Time that passes when a test says so. */
export class FakeClock implements Clock {
  private time = 0;
  private timers: { readonly at: number; readonly callback: () => void }[] = [];

  now(): number {
    return this.time;
  }

  after(delayMs: number, callback: () => void): () => void {
    const timer = { at: this.time + delayMs, callback };
    this.timers.push(timer);
    return () => {
      this.timers = this.timers.filter((other) => other !== timer);
    };
  }

  /** Timers that are set. */
  get pending(): number {
    return this.timers.length;
  }

  /** When the next timer is due; undefined when none is set. */
  get nextAt(): number | undefined {
    return this.timers.length === 0 ? undefined : Math.min(...this.timers.map(({ at }) => at));
  }

  /** Lets time pass without calling any timer, as in a process that is busy: they are late at the next advance. */
  stall(ms: number): void {
    this.time += ms;
  }

  /** Lets time pass, calling each timer at its moment, those included that are set meanwhile. */
  advance(ms: number): void {
    const end = this.time + ms;
    for (;;) {
      const next = this.timers.filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)[0];
      if (next === undefined) break;
      this.timers = this.timers.filter((timer) => timer !== next);
      this.time = Math.max(this.time, next.at);
      next.callback();
    }
    this.time = end;
  }
}
