/**
 * Readiness on command: schedules that no kernel would produce when asked. Nothing happens until a test says so.
 */
import { EVENT_FIELDS } from '@sluice/core-native';
import { Interest, type Poller } from '../poller.ts';

/** What is registered for one descriptor. */
export interface Registration {
  readonly slot: number;
  readonly generation: number;
  readonly interest: number;
}

/** A source of edges that fires what a test says, and remembers what was registered. */
export class FakePoller implements Poller {
  readonly events = new Int32Array(64 * EVENT_FIELDS);
  /** By descriptor; what `remove` forgot is gone from here. */
  readonly registered = new Map<number, Registration>();
  /** Every call of `modify`, oldest first. */
  readonly modified: { readonly fd: number; readonly interest: number }[] = [];
  /** Whether a `wake` is due. */
  awake = false;
  closed = false;
  /** What `add` throws, as epoll_ctl(2) does when the kernel has no room for one more. */
  refuse: Error | undefined;
  private onReady: (count: number) => void = () => {};

  start(onReady: (count: number) => void): void {
    this.onReady = onReady;
  }

  add(fd: number, slot: number, generation: number, interest: number): void {
    if (this.refuse !== undefined) throw this.refuse;
    if (this.registered.has(fd)) throw new Error(`descriptor ${fd} is registered already`);
    this.registered.set(fd, { slot, generation, interest });
  }

  modify(fd: number, slot: number, generation: number, interest: number): void {
    if (!this.registered.has(fd)) throw new Error(`descriptor ${fd} is not registered`);
    this.registered.set(fd, { slot, generation, interest });
    this.modified.push({ fd, interest });
  }

  remove(fd: number): void {
    if (!this.registered.delete(fd)) throw new Error(`descriptor ${fd} is not registered`);
  }

  wake(): void {
    this.awake = true;
  }

  close(): void {
    this.closed = true;
  }

  /** One turn in which the given descriptors have the given Ready bits, in this order. */
  fire(...edges: readonly (readonly [fd: number, ready: number])[]): void {
    this.fireRegistrations(
      ...edges.map(([fd, ready]): readonly [Registration, number] => {
        const registration = this.registered.get(fd);
        if (registration === undefined) throw new Error(`descriptor ${fd} is not registered`);
        return [registration, ready];
      }),
    );
  }

  /** As {@link fire} for registrations kept from before: how a test makes a stale event. */
  fireRegistrations(...edges: readonly (readonly [Registration, number])[]): void {
    edges.forEach(([{ slot, generation }, ready], index) => {
      this.events.set([slot, generation, ready], index * EVENT_FIELDS);
    });
    this.awake = false;
    this.onReady(edges.length);
  }

  /** One turn without edges, when a wake is due; false when none is. */
  turn(): boolean {
    if (!this.awake) return false;
    this.awake = false;
    this.onReady(0);
    return true;
  }

  /** Turns until nobody asks for another. Throws after `most`: somebody spins. */
  settle(most = 100): number {
    for (let turns = 0; turns < most; turns += 1) {
      if (!this.turn()) return turns;
    }
    throw new Error(`still awake after ${most} turns`);
  }

  /** Whether the writable edge of `fd` is armed. */
  isWritableArmed(fd: number): boolean {
    return ((this.registered.get(fd)?.interest ?? 0) & Interest.writable) !== 0;
  }
}
