/**
 * One socket on its way to one address: the first step of a connection's lifecycle, before it is known whether it will
 * be the one that is used.
 *
 * Rule: it ends once, by handing its descriptor on, connected and unregistered, or by closing it.
 */
import type { NativeFailure } from '@sluice/core-native';
import { DestroyedError } from './errors.ts';
import { type Lifecycle, stepLifecycle } from './lifecycle.ts';
import type { Loop } from './loop.ts';
import type { Pollable } from './pollable.ts';
import { Interest } from './poller.ts';
import { Status } from './transport.ts';

/** One address to try. */
export interface Candidate {
  /** Starts to connect: a descriptor, or `failed`. */
  start(): number;
  /** The error that a failed call makes, at once or later. */
  errorOf(failure: NativeFailure): Error;
}

/** Who made the attempt. Told of its end once; of one that it asked for itself, by `cancel`, not at all. */
export interface AttemptOwner {
  /** The descriptor is the owner's from now on. */
  onConnected(attempt: ConnectAttempt, fd: number): void;
  onAttemptFailed(attempt: ConnectAttempt, error: Error): void;
  /** The reactor shuts down: no attempt is wanted any more, this one included, which is still open. */
  onAttemptUnwanted(error: Error): void;
}

export interface AttemptInit {
  readonly fd: number;
  readonly candidate: Candidate;
  readonly owner: AttemptOwner;
}

export class ConnectAttempt implements Pollable {
  readonly slot: number;
  readonly listener = undefined;
  private readonly loop: Loop;
  private readonly init: AttemptInit;
  private lifecycle: Lifecycle = 'connecting';

  /** Takes over the descriptor, unless it throws, as the poller may (epoll_ctl(2): ENOSPC, ENOMEM). */
  constructor(loop: Loop, slot: number, generation: number, init: AttemptInit) {
    this.loop = loop;
    this.slot = slot;
    this.init = init;
    loop.poller.add(init.fd, slot, generation, Interest.writable);
  }

  receivesFrom(): number {
    return -1;
  }

  onArrival(): void {}

  onEdge(): void {
    if (this.lifecycle !== 'connecting') return;
    const { sockets } = this.loop;
    const { fd, candidate, owner } = this.init;
    const result = sockets.connectResult(fd);
    // An edge of something else: the one that tells is still to come.
    if (result === Status.wantsWrite) return;
    if (result === Status.failed) {
      const error = candidate.errorOf(sockets.lastFailure());
      this.cancel();
      return owner.onAttemptFailed(this, error);
    }
    this.lifecycle = stepLifecycle(this.lifecycle, 'connected');
    this.leave();
    owner.onConnected(this, fd);
  }

  onTurn(): void {}

  onShutdown(): void {
    this.destroy();
  }

  onShutdownDeadline(): void {
    this.destroy();
  }

  destroy(error: Error = new DestroyedError()): void {
    if (this.lifecycle === 'connecting') this.init.owner.onAttemptUnwanted(error);
  }

  /** Closes it, and tells nobody. Harmless when it has ended. */
  cancel(): void {
    if (this.lifecycle !== 'connecting') return;
    this.lifecycle = stepLifecycle(this.lifecycle, 'close');
    this.leave();
    this.loop.sockets.close(this.init.fd);
  }

  private leave(): void {
    this.loop.poller.remove(this.init.fd);
    this.loop.retire(this);
  }
}
