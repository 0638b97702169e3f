/**
 * A listening socket: accepts what the backlog holds and hands each connection to its transport and protocol.
 *
 * Rule: an edge stands for any number of connections. Accepting goes on until the kernel says EAGAIN; what the budget
 * cuts off goes on the ready list.
 */
import { constants } from 'node:os';
import { type SocketAddress, Status, SystemError } from '@sluice/core-native';
import { ReactorConnection } from './connection.ts';
import type { ConnectionOwner } from './connection-owner.ts';
import type { Hooks } from './hooks.ts';
import type { ListeningSocket } from './listening-socket.ts';
import type { Loop } from './loop.ts';
import type { Pollable } from './pollable.ts';
import { Interest } from './poller.ts';
import type { CloseReason } from './protocol.ts';
import type { ServerTransport, Transport } from './transport.ts';

const { errno } = constants;

/** accept(2): pending network errors of the new connection, and EINTR, concern one connection only. */
const SKIPPED = new Set([
  errno.ECONNABORTED,
  errno.EINTR,
  errno.EPROTO,
  errno.ENETDOWN,
  errno.EHOSTUNREACH,
  errno.ENETUNREACH,
]);
/** No descriptor or no memory: the connection stays in the backlog, and no edge will tell when there is room again. */
const EXHAUSTED = new Set([errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM]);

/** How long accepting rests when the process has no descriptor left. */
const EXHAUSTED_RETRY_MS = 100;

export interface ListenerInit<State> {
  /** Closed with the listener. */
  readonly socket: ListeningSocket;
  readonly transport: ServerTransport;
  readonly hooks: Hooks<State>;
  readonly nextId: () => number;
  /** A connection failed before it was open: its handshake, a deadline, its transport. */
  readonly onConnectionError: (error: Error, reason: CloseReason) => void;
  /** The listener itself met a condition worth telling, once until it is over. */
  readonly onWarning: (error: Error) => void;
}

export class Listener<State> implements Pollable, ConnectionOwner {
  readonly slot: number;
  readonly generation: number;
  /** Connections accepted here and not closed yet. */
  connections = 0;
  private readonly loop: Loop;
  private readonly init: ListenerInit<State>;
  private open = true;
  private listed = false;
  private retry: NodeJS.Timeout | undefined;
  private exhausted = false;

  constructor(loop: Loop, slot: number, generation: number, init: ListenerInit<State>) {
    this.loop = loop;
    this.slot = slot;
    this.generation = generation;
    this.init = init;
    loop.poller.add(init.socket.fd, slot, generation, Interest.readable);
  }

  get address(): SocketAddress | undefined {
    return this.open ? this.init.socket.address() : undefined;
  }

  onEdge(): void {
    this.acceptAll();
  }

  onTurn(): void {
    this.listed = false;
    this.acceptAll();
  }

  /** Stops accepting. Open connections live on. Twice is harmless. */
  close(): void {
    if (!this.open) return;
    this.open = false;
    clearTimeout(this.retry);
    this.loop.poller.remove(this.init.socket.fd);
    this.init.socket.close();
    this.loop.retire(this);
  }

  onShutdown(): void {
    this.close();
  }

  destroy(): void {
    this.close();
  }

  onFailed(reason: CloseReason, error: Error): void {
    this.loop.counters.handshakesFailed += 1;
    this.init.onConnectionError(error, reason);
  }

  onOpened(): void {}

  onClosed(): void {
    this.connections -= 1;
    // Its descriptor is free again: whoever waits in the backlog need not wait for the timer.
    if (this.retry !== undefined) this.tryAgain();
  }

  private acceptAll(): void {
    const { sockets, limits, counters } = this.loop;
    for (let budget = limits.acceptBudget; this.open; budget -= 1) {
      if (budget === 0) return this.comeBack();
      const fd = sockets.accept(this.init.socket.fd);
      if (fd >= 0) {
        counters.accepted += 1;
        this.begin(fd);
      } else if (fd === Status.wantsRead) {
        // Everybody was served: a shortage from now on is a new one, and worth another warning.
        this.exhausted = false;
        return;
      } else if (!SKIPPED.has(sockets.lastErrno())) {
        return this.cannotAccept();
      }
    }
  }

  private begin(fd: number): void {
    const { loop, init } = this;
    init.socket.prepare(fd);
    let transport: Transport;
    try {
      transport = init.transport.accept(fd);
    } catch (thrown) {
      return this.onFailed('error', thrown as Error);
    }
    const connection = loop.admit((slot, generation) => {
      const { hooks } = init;
      const made = {
        id: init.nextId(),
        fd,
        transport,
        hooks,
        owner: this,
        isUnix: init.socket.isUnix,
      };
      return new ReactorConnection<State>(loop, slot, generation, made);
    });
    this.connections += 1;
    connection.start();
  }

  private cannotAccept(): void {
    const error = new SystemError(this.loop.sockets.lastFailure());
    if (!this.exhausted) this.init.onWarning(error);
    this.exhausted = true;
    if (!EXHAUSTED.has(error.errno)) return;
    this.retry ??= setTimeout(() => this.tryAgain(), EXHAUSTED_RETRY_MS);
  }

  private tryAgain(): void {
    clearTimeout(this.retry);
    this.retry = undefined;
    this.comeBack();
  }

  private comeBack(): void {
    if (this.listed || !this.open) return;
    this.listed = true;
    this.loop.enqueueReady(this);
  }
}
