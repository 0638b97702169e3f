/**
 * The edges of one batch, in groups: what the connections of a group have received is read for all of them in one call, each is
 * told, and what they answered is sent in one call.
 *
 * Rule: those of listeners come last, and alone. Nobody's slot is looked up earlier than at its own edge, for who was served
 * before may have closed it.
 */
import { EVENT_FIELDS } from '@sluice/core-native';
import { MOST_ARRIVALS } from './arrivals.ts';
import type { Loop } from './loop.ts';
import type { Pollable } from './pollable.ts';
import type { SlotTable } from './slot-table.ts';
import { NOT_BATCHED } from './transport.ts';

/** A call for one is what it would do by itself. */
const FEWEST_ARRIVALS = 2;

export class EdgeBatch {
  private readonly loop: Loop;
  private readonly slots: SlotTable<Pollable>;
  private readonly broken: (pollable: Pollable, thrown: unknown) => void;
  private readonly seated: (Pollable | undefined)[] = new Array<undefined>(MOST_ARRIVALS).fill(undefined);

  /** `broken` is told of what a pollable threw, which must not cost the others their edges. */
  constructor(loop: Loop, slots: SlotTable<Pollable>, broken: (pollable: Pollable, thrown: unknown) => void) {
    this.loop = loop;
    this.slots = slots;
    this.broken = broken;
  }

  /** Tells everybody of the first `count` events of the poller's table. */
  dispatch(count: number): void {
    const end = count * EVENT_FIELDS;
    let listeners: number[] | undefined;
    for (let start = 0; start < end; start += MOST_ARRIVALS * EVENT_FIELDS) {
      const stop = Math.min(end, start + MOST_ARRIVALS * EVENT_FIELDS);
      listeners = this.dispatchGroup(start, stop, listeners);
    }
    if (listeners === undefined) return;
    // It may have been closed by somebody who was served before.
    for (const at of listeners) this.tell(this.holder(at), at);
  }

  private dispatchGroup(start: number, stop: number, found: number[] | undefined): number[] | undefined {
    let listeners = found;
    this.loop.departures.isOpen = stop - start >= FEWEST_ARRIVALS * EVENT_FIELDS && this.receive(start, stop);
    for (let at = start; at < stop; at += EVENT_FIELDS) {
      const pollable = this.holder(at);
      if (pollable === undefined) {
        this.loop.counters.staleEvents += 1;
      } else if (pollable.listener === pollable) {
        listeners ??= [];
        listeners.push(at);
      } else {
        this.tell(pollable, at);
      }
    }
    if (this.loop.departures.isOpen) this.depart();
    return listeners;
  }

  /** Reads for those of the group who let it; false when that are too few. */
  private receive(start: number, stop: number): boolean {
    const { arrivals, sockets } = this.loop;
    const { seated } = this;
    let count = 0;
    for (let at = start; at < stop; at += EVENT_FIELDS) {
      const pollable = this.holder(at);
      const handle = pollable === undefined ? NOT_BATCHED : pollable.receivesFrom(this.ready(at));
      if (handle === NOT_BATCHED) continue;
      arrivals.ask(count, handle);
      seated[count] = pollable;
      count += 1;
    }
    const isWorthIt = count >= FEWEST_ARRIVALS;
    if (isWorthIt) arrivals.receive(sockets, count);
    for (let seat = 0; seat < count; seat += 1) {
      if (isWorthIt) seated[seat]?.onArrival(seat);
      seated[seat] = undefined;
    }
    return isWorthIt;
  }

  /** Sends what the group has posted; whoever did not get rid of all goes on from there. */
  private depart(): void {
    for (const sender of this.loop.departures.send()) {
      try {
        sender.onDeparted();
      } catch (thrown) {
        this.broken(sender, thrown);
      }
    }
  }

  private tell(pollable: Pollable | undefined, at: number): void {
    if (pollable === undefined) return;
    try {
      pollable.onEdge(this.ready(at));
    } catch (thrown) {
      this.broken(pollable, thrown);
    }
  }

  private holder(at: number): Pollable | undefined {
    const { events } = this.loop.poller;
    return this.slots.lookup(events[at] as number, events[at + 1] as number);
  }

  private ready(at: number): number {
    return this.loop.poller.events[at + 2] as number;
  }
}
