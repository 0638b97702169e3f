/**
 * The kernel's epoll, asked when the test says so: the loop runs turn by turn, and nothing happens in between.
 */
import { EVENT_FIELDS, loadNative, type NativeEpoll } from '@sluice/core-native';

export class SteppedPoller {
  readonly events: Int32Array;
  registered = 0;
  private readonly epoll: NativeEpoll;
  private onReady: (count: number) => void = () => {};
  private isWakeDue = false;

  constructor(batchEvents: number) {
    this.events = new Int32Array(batchEvents * EVENT_FIELDS);
    const { Epoll } = loadNative();
    this.epoll = new Epoll(this.events);
  }

  start(onReady: (count: number) => void): void {
    this.onReady = onReady;
  }

  add(fd: number, slot: number, generation: number, interest: number): void {
    this.epoll.add(fd, slot, generation, interest);
    this.registered += 1;
  }

  modify(fd: number, slot: number, generation: number, interest: number): void {
    this.epoll.modify(fd, slot, generation, interest);
  }

  remove(fd: number): void {
    this.epoll.remove(fd);
    this.registered -= 1;
  }

  wake(): void {
    this.isWakeDue = true;
  }

  close(): void {
    this.epoll.close();
  }

  /** One turn, when somebody is ready within `waitMs` or has asked for one. Whether there was anything. */
  turn(waitMs = 0): boolean {
    const { isWakeDue } = this;
    const endMs = performance.now() + waitMs;
    let count = this.epoll.wait(isWakeDue ? 0 : waitMs);
    // A signal ends a wait with nothing.
    while (!isWakeDue && count === 0 && performance.now() < endMs) count = this.epoll.wait(waitMs);
    if (!isWakeDue && count === 0) return false;
    this.isWakeDue = false;
    this.onReady(count);
    return true;
  }
}
