/**
 * Readiness from the kernel: edge-triggered epoll, its descriptor watched by Node's own loop, so that timers, promises
 * and every other Node API go on working beside it.
 *
 * Rule: the process is kept alive exactly while descriptors are registered that count for it, or a wake is due.
 */
import { EVENT_FIELDS, type NativeBinding, type NativeEpoll } from '@sluice/core-native';
import type { Poller } from './poller.ts';

/** Events of one batch; what is ready beyond it is reported in the next turn. */
const BATCH_EVENTS = 512;

export class EpollPoller implements Poller {
  readonly events = new Int32Array(BATCH_EVENTS * EVENT_FIELDS);
  private readonly epoll: NativeEpoll;
  private onReady: (count: number) => void = () => {};
  /** Registered descriptors that keep the process. */
  private keepers = 0;
  private waking: NodeJS.Immediate | undefined;
  private closed = false;

  constructor(native: Pick<NativeBinding, 'Epoll'>) {
    this.epoll = new native.Epoll(this.events);
  }

  start(onReady: (count: number) => void): void {
    this.onReady = onReady;
    this.epoll.watch(onReady);
    this.epoll.unref();
  }

  add(fd: number, slot: number, generation: number, interest: number): void {
    this.epoll.add(fd, slot, generation, interest);
    this.setRef(true);
  }

  modify(fd: number, slot: number, generation: number, interest: number): void {
    this.epoll.modify(fd, slot, generation, interest);
  }

  remove(fd: number): void {
    this.epoll.remove(fd);
    this.setRef(false);
  }

  setRef(isRef: boolean): void {
    this.keepers += isRef ? 1 : -1;
    if (this.keepers === 0) this.epoll.unref();
    else if (isRef && this.keepers === 1) this.epoll.ref();
  }

  wake(): void {
    if (this.closed) return;
    // An immediate runs after the poll phase: timers and other descriptors of the process get their turn in between.
    this.waking ??= setImmediate(() => {
      this.waking = undefined;
      this.onReady(0);
    });
  }

  close(): void {
    this.closed = true;
    if (this.waking !== undefined) clearImmediate(this.waking);
    this.waking = undefined;
    this.epoll.close();
  }
}
