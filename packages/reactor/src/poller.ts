/**
 * The third plug point: where readiness comes from. `epoll-poller.ts` for real, `testing/fake-poller.ts` for schedules
 * that no kernel would produce on demand.
 *
 * Rule: edge-triggered. A descriptor is reported once for each change; whoever consumed the report must read or write
 * until the kernel says that it would block, or come back by {@link Poller.wake}.
 */
import { Interest, Ready } from '@sluice/core-native';

export { Interest, Ready };

/** The third plug point: where readiness comes from. `testPoller` tests one. */
export interface Poller {
  /** Filled before each `onReady`: EVENT_FIELDS integers an event (slot, generation, Ready bits). */
  readonly events: Int32Array;
  /** Registers a descriptor. What it is ready for already is reported as an edge. */
  add(fd: number, slot: number, generation: number, interest: number): void;
  /** Changes the interest. What it is ready for at this moment is reported as an edge, so that none falls between. */
  modify(fd: number, slot: number, generation: number, interest: number): void;
  /** Forgets a descriptor; must be called before it is closed. */
  remove(fd: number): void;
  /** Starts calling `onReady(count)`: `count` events are in the table, 0 after a `wake`. */
  start(onReady: (count: number) => void): void;
  /** Asks for one `onReady(0)` soon, after other work of the process had its turn. Several calls make one. */
  wake(): void;
  /** One of the registered descriptors is no reason for the process to stay, or is one again. Only where any is. */
  setRef?(isRef: boolean): void;
  /** Stops for good. Nothing is called any more. */
  close(): void;
}
