/** The edge-triggered poller of a kernel in memory: it fires what is due when it is told to run, and never by itself. */
import { EVENT_FIELDS } from '@sluice/core-native';
import { FakePoller } from '../fake-poller.ts';

/** Who knows what a descriptor is ready for. */
export interface Readiness {
  takeEdges(fd: number, interest: number): number;
  rearm(fd: number): void;
}

export class MemoryPoller extends FakePoller {
  private readonly readiness: Readiness;

  constructor(readiness: Readiness) {
    super();
    this.readiness = readiness;
  }

  override add(fd: number, slot: number, generation: number, interest: number): void {
    super.add(fd, slot, generation, interest);
    this.readiness.rearm(fd);
  }

  override modify(fd: number, slot: number, generation: number, interest: number): void {
    super.modify(fd, slot, generation, interest);
    this.readiness.rearm(fd);
  }

  /** One turn with what is due, as much as a batch holds; false when nothing was. */
  run(): boolean {
    if (this.closed) return false;
    const most = this.events.length / EVENT_FIELDS;
    const due: [number, number][] = [];
    for (const [fd, { interest }] of this.registered) {
      if (due.length === most) break;
      const bits = this.readiness.takeEdges(fd, interest);
      if (bits !== 0) due.push([fd, bits]);
    }
    if (due.length === 0) return this.turn();
    this.fire(...due);
    return true;
  }
}
