/** The fake poller, and descriptors without a kernel that fire on it what an edge-triggered kernel would. */
import { Interest, Ready } from '@sluice/core-native';
import { FakePoller, type PolledEnd, type PollerDriver } from '../../src/testing/index.ts';

/** Room of a send buffer. */
const ROOM = 1000;

class Descriptor implements PolledEnd {
  readonly fd: number;
  unread = 0;
  room = ROOM;
  ended = false;
  /** What has changed and was not reported. */
  edges = 0;
  private starved = false;

  constructor(fd: number) {
    this.fd = fd;
  }

  get level(): number {
    let bits = 0;
    if (this.unread > 0 || this.ended) bits |= Ready.readable;
    if (this.ended) bits |= Ready.readClosed;
    if (this.room > 0) bits |= Ready.writable;
    return bits;
  }

  peerSends(): void {
    this.unread += 1;
    this.edges |= Ready.readable;
  }

  peerEnds(): void {
    this.ended = true;
    this.edges |= Ready.readable | Ready.readClosed;
  }

  drain(): void {
    this.unread = 0;
  }

  fill(): void {
    this.room = 0;
    this.starved = true;
  }

  peerReads(): void {
    this.room = ROOM;
    if (this.starved) this.edges |= Ready.writable;
    this.starved = false;
  }

  close(): void {}
}

/** The poller that the suite sees; a broken one is made by overriding it. */
export class DrivenPoller extends FakePoller {
  readonly descriptors = new Map<number, Descriptor>();
  /** Whether a call looks at what is ready at that moment. */
  polls: (call: 'add' | 'modify') => boolean = () => true;

  override add(fd: number, slot: number, generation: number, interest: number): void {
    super.add(fd, slot, generation, interest);
    // Nobody saw what changed before.
    const descriptor = this.descriptors.get(fd);
    if (descriptor !== undefined) descriptor.edges = 0;
    if (this.polls('add')) this.poll(fd);
  }

  override modify(fd: number, slot: number, generation: number, interest: number): void {
    super.modify(fd, slot, generation, interest);
    if (this.polls('modify')) this.poll(fd);
  }

  /** One turn with what is due, as much as the table holds. */
  run(): void {
    if (this.closed) return;
    const due: [number, number][] = [];
    for (const [fd, { interest }] of this.registered) {
      const descriptor = this.descriptors.get(fd);
      if (descriptor === undefined || due.length * 3 === this.events.length) continue;
      const bits = descriptor.edges & ((interest & Interest.writable) === 0 ? ~Ready.writable : ~0);
      descriptor.edges = 0;
      if (bits !== 0) due.push([fd, bits]);
    }
    if (due.length > 0) this.fire(...due);
    else this.turn();
  }

  protected poll(fd: number): void {
    const descriptor = this.descriptors.get(fd);
    if (descriptor !== undefined) descriptor.edges |= descriptor.level;
  }
}

export function simulatedDriver(poller = new DrivenPoller()): PollerDriver {
  let nextFd = 3;
  return {
    poller,
    open: () => {
      const descriptor = new Descriptor(nextFd);
      nextFd += 1;
      poller.descriptors.set(descriptor.fd, descriptor);
      return descriptor;
    },
    turn: () => poller.run(),
    dispose: () => {
      if (!poller.closed) poller.close();
    },
  };
}
