/**
 * A listening socket: accepts what the backlog holds and hands each connection to its transport and protocol.
 *
 * Rule: an edge stands for any number of connections. Accepting goes on until the kernel says EAGAIN; what the budget
 * cuts off goes on the ready list, and whatever else stops it earlier sees to being woken.
 */
import { constants } from 'node:os';
import { type SocketAddress, Status, SystemError } from '@sluice/core-native';
import { AcceptedConnection } from './accepted-connection.ts';
import type { Admission } from './admission.ts';
import { ReactorConnection } from './connection.ts';
import type { LimitName } from './counters.ts';
import { type DeadlineHolder, NO_DEADLINE } from './deadline-wheel.ts';
import { DescriptorReserve } from './descriptor-reserve.ts';
import { isWatched, publish } from './diagnostics.ts';
import type { ListeningSocket } from './listening-socket.ts';
import type { Loop } from './loop.ts';
import type { Pollable } from './pollable.ts';
import { Interest } from './poller.ts';
import type { CloseReason } from './protocol.ts';
import type { ProtocolChoice } from './protocol-choice.ts';
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
/** Those of them that a freed descriptor helps. */
const NO_DESCRIPTOR = new Set([errno.EMFILE, errno.ENFILE]);

/** How long accepting rests when the process has no descriptor left and none of ours is freed. */
const EXHAUSTED_RETRY_MS = 100;
/** How long a closing listener waits for handshakes of TCP that had begun: a round trip, by and large. */
export const LISTENER_DRAIN_MS = 100;

/**
 * - `accepting`: takes whoever comes.
 * - `paused`: the backlog fills meanwhile.
 * - `draining`: serves those that had come already, nobody new.
 * - `closed`: the socket is gone.
 */
export type ListenerState = 'accepting' | 'paused' | 'draining' | 'closed';

export interface ListenerInit<State> {
  /** Closed with the listener. */
  readonly socket: ListeningSocket;
  readonly transport: ServerTransport;
  readonly protocols: ProtocolChoice<State>;
  readonly nextId: () => number;
  /** A connection failed before it was open: its handshake, a deadline, its transport. */
  readonly onConnectionError: (error: Error, reason: CloseReason) => void;
  /** The listener itself met a condition worth telling, once until it is over. */
  readonly onWarning: (error: Error) => void;
}

export class Listener<State> implements Pollable, DeadlineHolder {
  readonly slot: number;
  readonly listener: Listener<State> = this;
  state: ListenerState = 'accepting';
  /** Connections accepted here and not closed yet. */
  connections = 0;
  /** Connections accepted here and gone. */
  gone = 0;

  // The wheel's.
  deadlineTick = NO_DEADLINE;
  deadlineNext: DeadlineHolder | undefined = undefined;
  deadlinePrevious: DeadlineHolder | undefined = undefined;

  private readonly loop: Loop;
  private readonly init: ListenerInit<State>;
  private readonly reserve: DescriptorReserve;
  /** Of all connections that are not counted by address: most. */
  private readonly owner: AcceptedConnection;
  private listed = false;
  /** accept(2) failed, which was told, and the backlog has not been emptied since. */
  private exhausted = false;
  /** Why accepting rests; counted and told when it begins. */
  private resting: LimitName | undefined;
  /** What had come is in by now: the backlog's end is the end. */
  private drained = false;

  constructor(loop: Loop, slot: number, generation: number, init: ListenerInit<State>) {
    this.loop = loop;
    this.slot = slot;
    this.init = init;
    this.owner = new AcceptedConnection(loop.admission, this, '');
    loop.poller.add(init.socket.fd, slot, generation, Interest.readable);
    this.reserve = new DescriptorReserve(loop.sockets);
  }

  get refuses(): boolean {
    return this.state === 'draining' && !this.drained;
  }

  get address(): SocketAddress | undefined {
    return this.state === 'closed' ? undefined : this.init.socket.address();
  }

  /** Leaves newcomers in the backlog. */
  pause(): void {
    if (this.state === 'accepting') this.state = 'paused';
  }

  resume(): void {
    if (this.state !== 'paused') return;
    this.state = 'accepting';
    this.comeBack();
  }

  receivesFrom(): number {
    return -1;
  }

  onArrival(): void {}

  onEdge(): void {
    this.acceptAll('edge');
  }

  onTurn(): void {
    this.listed = false;
    this.acceptAll('turn');
  }

  /** Nobody new is let in; who is in the backlog is served. Then the socket is closed. */
  onShutdown(): void {
    if (this.state === 'draining' || this.state === 'closed') return;
    this.state = 'draining';
    this.drained = !this.init.socket.refuseNew();
    if (!this.drained) this.loop.deadlines.set(this, LISTENER_DRAIN_MS);
    this.comeBack();
  }

  onShutdownDeadline(): void {
    this.destroy();
  }

  /** Closes the socket at once: the kernel resets what the backlog holds. Twice is harmless. */
  destroy(): void {
    if (this.state === 'closed') return;
    this.state = 'closed';
    this.loop.deadlines.clear(this);
    this.loop.poller.remove(this.init.socket.fd);
    this.init.socket.close();
    this.reserve.spend();
    this.loop.retire(this);
  }

  onDeadline(): void {
    const isDrained = this.refuses;
    if (isDrained) this.drained = true;
    this.comeBack();
    // Its turn is ahead of theirs: when they hear of it the socket is closed.
    if (isDrained) for (const drain of this.loop.drains) drain.onListenerDrained();
  }

  tryAgain(): void {
    this.comeBack();
  }

  /** A connection that was accepted here failed before it was open. */
  connectionFailed(reason: CloseReason, error: Error): void {
    this.loop.counters.handshakesFailed += 1;
    this.init.onConnectionError(error, reason);
  }

  connectionGone(): void {
    this.connections -= 1;
    this.gone += 1;
  }

  private acceptAll(by: 'edge' | 'turn'): void {
    const { sockets, limits, counters, admission } = this.loop;
    for (let budget = limits.acceptBudget; this.mayAccept(); budget -= 1) {
      const full = admission.full() ?? (this.reserve.restore() ? undefined : 'descriptors');
      const stalled = full === undefined ? undefined : admission.stalled(this.loop.nowMs);
      if (full !== undefined && typeof stalled !== 'object') return this.rest(full, stalled);
      // What the peers of others have sent is looked at before they are given up: edges come first in a turn.
      if (budget === 0 || (stalled !== undefined && by === 'edge')) return this.comeBack();
      if (full === 'descriptors') {
        giveUp(stalled);
        continue;
      }
      const fd = this.accept();
      if (fd >= 0) {
        counters.accepted += 1;
        if (this.begin(fd)) giveUp(stalled);
      } else if (fd === Status.wantsRead) {
        return this.backlogIsEmpty();
      } else if (!SKIPPED.has(sockets.lastErrno())) {
        return this.cannotAccept();
      }
    }
  }

  /** accept(2), with the reserve's descriptor when the process has no other left. */
  private accept(): number {
    const { sockets } = this.loop;
    const fd = sockets.accept(this.init.socket.fd);
    if (fd !== Status.failed || !NO_DESCRIPTOR.has(sockets.lastErrno())) return fd;
    this.warn();
    return this.reserve.spend() ? sockets.accept(this.init.socket.fd) : fd;
  }

  private mayAccept(): boolean {
    return this.state === 'accepting' || this.state === 'draining';
  }

  /** False when it was refused, and takes no place. */
  private begin(fd: number): boolean {
    const { loop, init } = this;
    const address = loop.admission.countsAddresses ? loop.sockets.acceptedAddress() : '';
    if (!loop.admission.enter(address)) {
      this.refuse(fd, address);
      return false;
    }
    init.socket.prepare(fd);
    this.connections += 1;
    const owner = address === '' ? this.owner : new AcceptedConnection(loop.admission, this, address);
    let transport: Transport;
    try {
      transport = init.transport.accept(fd);
    } catch (thrown) {
      owner.onFailed('error', thrown as Error);
      owner.onClosed();
      return false;
    }
    const connection = loop.admit((slot, generation) => {
      const { protocols } = init;
      const made = { id: init.nextId(), fd, transport, protocols, owner, isUnix: init.socket.isUnix };
      return new ReactorConnection<State>(loop, slot, generation, made);
    });
    loop.admission.begin(connection, loop.nowMs);
    connection.start();
    // While newcomers are refused everybody stays: Drain asks all when that is over.
    if (this.state === 'draining' && this.drained) connection.onShutdown();
    return true;
  }

  /** Its address has its share already. Reset, so that a flood does not leave us with as many TIME_WAITs. */
  private refuse(fd: number, address: string): void {
    this.loop.sockets.setOption(fd, 'lingerSeconds', 0);
    this.loop.sockets.close(fd);
    this.tellLimit('address', address);
  }

  /** Everybody was served: a shortage from now on is a new one, and worth another warning. */
  private backlogIsEmpty(): void {
    this.exhausted = false;
    this.resting = undefined;
    if (this.state === 'draining' && this.drained) this.destroy();
  }

  private cannotAccept(): void {
    const exhausted = EXHAUSTED.has(this.loop.sockets.lastErrno());
    this.warn();
    if (exhausted) this.rest('descriptors', undefined);
  }

  /** Tells why accept(2) failed, once until the backlog has been emptied. */
  private warn(): void {
    if (!this.exhausted) this.init.onWarning(new SystemError(this.loop.sockets.lastFailure()));
    this.exhausted = true;
  }

  /** `retryMs`: when a handshake may have stalled for long enough to give way. */
  private rest(full: LimitName, retryMs: number | undefined): void {
    if (this.resting !== full) this.tellLimit(full, undefined);
    this.resting = full;
    this.loop.admission.await(this);
    // What other parts of the process hold is freed without a word.
    const dueMs = full === 'descriptors' ? EXHAUSTED_RETRY_MS : retryMs;
    if (dueMs !== undefined && this.deadlineTick === NO_DEADLINE) this.loop.deadlines.set(this, dueMs);
  }

  private tellLimit(limit: LimitName, address: string | undefined): void {
    this.loop.counters.limited[limit] += 1;
    if (isWatched('sluice.limit')) publish('sluice.limit', { limit, connection: undefined, address });
  }

  private comeBack(): void {
    if (this.listed || this.state === 'closed') return;
    this.listed = true;
    this.loop.enqueueReady(this);
  }
}

function giveUp(stalled: ReturnType<Admission['stalled']>): void {
  if (typeof stalled === 'object') stalled.oldest.giveWay(stalled.ageMs);
}
