/**
 * One descriptor's entry with the poller.
 *
 * Rule: the readable edge is always asked for; the writable one only while somebody waits for it.
 */
import { Interest, type Poller } from './poller.ts';

const READABLE = Interest.readable;
const BOTH = Interest.readable | Interest.writable;

export class Registration {
  readonly fd: number;
  readonly slot: number;
  readonly generation: number;
  private readonly poller: Poller;
  private registered = false;
  private interest: number = READABLE;
  private isRef = true;

  constructor(poller: Poller, fd: number, slot: number, generation: number) {
    this.poller = poller;
    this.fd = fd;
    this.slot = slot;
    this.generation = generation;
  }

  /** Throws what epoll_ctl(2) says when the kernel has no room for one more. */
  add(): void {
    this.poller.add(this.fd, this.slot, this.generation, this.interest);
    this.registered = true;
    if (!this.isRef) this.poller.setRef?.(false);
  }

  /** Arms the writable edge, or disarms it; what is ready at this moment is reported anew. */
  armWritable(wanted: boolean): void {
    const interest = wanted ? BOTH : READABLE;
    if (interest === this.interest) return;
    this.interest = interest;
    this.poller.modify(this.fd, this.slot, this.generation, interest);
  }

  /** Whether it is a reason for the process to stay. Default true. */
  setRef(isRef: boolean): void {
    if (isRef === this.isRef) return;
    this.isRef = isRef;
    if (this.registered) this.poller.setRef?.(isRef);
  }

  /** Harmless when it was never added. Called before the descriptor is closed. */
  remove(): void {
    if (!this.registered) return;
    if (!this.isRef) this.poller.setRef?.(true);
    this.poller.remove(this.fd);
    this.registered = false;
  }
}
