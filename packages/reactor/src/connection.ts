/**
 * The connection machine: turns edges, turns of the ready list and the user's verbs into calls of the transport and
 * hooks of the protocol.
 *
 * Rule: nothing waits for an edge unless the transport just said that it would block. Whatever stops earlier (budget,
 * resume, a drain to tell) goes on the ready list. Hooks may do anything, so every decision after one is made anew from
 * the state.
 */
import type { SocketAddress } from '@sluice/core-native';
import type { Connection } from './connection-contract.ts';
import { type DeadlineHolder, NO_DEADLINE } from './deadline-wheel.ts';
import { DestroyedError, LimitError, TimeoutError } from './errors.ts';
import { type Lifecycle, stepLifecycle } from './lifecycle.ts';
import type { Flushable, Loop } from './loop.ts';
import { Interest, Ready } from './poller.ts';
import type { CloseReason, Protocol } from './protocol.ts';
import { type ReadHalf, stepReadHalf } from './read-half.ts';
import { Status, type Transport, type TransportFailure } from './transport.ts';
import { acceptsBytes, awaitsReadable, awaitsWritable, stepWriteHalf, type WriteHalf } from './write-half.ts';
import { WriteSide } from './write-side.ts';

/** RDHUP, HUP and ERR only say that a read is worth trying; the read says what happened. */
const HINTS = Ready.readClosed | Ready.hangup | Ready.error;
/** HUP and ERR also release a write that waits for an edge which would otherwise never come. */
const BROKEN = Ready.hangup | Ready.error;

/** Which deadline runs in which state; a state that is not here has none. */
const DEADLINE_OF: { readonly [S in Lifecycle]?: 'connect' | 'handshake' | 'close' } = {
  connecting: 'connect',
  handshaking: 'handshake',
  closing: 'close',
};

/** Who made the connection: a listener or a connector. */
export interface ConnectionOwner {
  /** It closed before it was open; no hook of the protocol has run. */
  onFailed(reason: CloseReason, error: Error): void;
  /** It is open; the protocol's `onOpen` has returned. */
  onOpened(): void;
  /** The last call, in any case. With an error when a hook threw or the transport failed. */
  onClosed(error: Error | undefined): void;
}

export interface ConnectionInit<State> {
  readonly id: number;
  readonly fd: number;
  readonly transport: Transport;
  readonly protocol: Protocol<State>;
  readonly owner: ConnectionOwner;
  readonly lifecycle: 'connecting' | 'handshaking';
}

export class ReactorConnection<State> implements Connection<State>, Flushable, DeadlineHolder {
  // Fixed for life.
  readonly id: number;
  readonly slot: number;
  readonly generation: number;
  readonly transport: Transport;
  private readonly fd: number;
  private readonly loop: Loop;
  private readonly protocol: Protocol<State>;
  private readonly owner: ConnectionOwner;

  // The machine. Changed only through the tables.
  lifecycle: Lifecycle;
  readHalf: ReadHalf = 'idle';
  private readonly writing: WriteSide;

  // The protocol's.
  state!: State;

  // What the kernel and the reactor have been told.
  private registered = false;
  private writableArmed: boolean;
  private listedReady = false;
  private listedFlush = false;
  /** RDHUP, HUP or ERR was seen: a short read no longer means that the socket ran dry. */
  private hangupSeen = false;
  /** A write failed: what the peer sent before is still delivered, then the connection closes with this. */
  private doom: TransportFailure | undefined;
  /** `onOpen` has returned. Until then a close is kept back, so that `onClose` finds the state. */
  private hooksOpen = false;
  /** What the deadline that is set was asked for with. */
  private deadlineMs = 0;
  private keptClose: { readonly reason: CloseReason; readonly error: Error | undefined } | undefined;

  // The deadline wheel's.
  deadlineTick = NO_DEADLINE;
  deadlineNext: DeadlineHolder | undefined = undefined;
  deadlinePrevious: DeadlineHolder | undefined = undefined;

  constructor(loop: Loop, slot: number, generation: number, init: ConnectionInit<State>) {
    this.loop = loop;
    this.slot = slot;
    this.generation = generation;
    this.id = init.id;
    this.fd = init.fd;
    this.transport = init.transport;
    this.protocol = init.protocol;
    this.owner = init.owner;
    this.lifecycle = init.lifecycle;
    this.writing = new WriteSide(loop, init.transport);
    this.writableArmed = init.lifecycle === 'connecting';
    if (this.writableArmed) this.writing.half = stepWriteHalf('ready', 'block');
  }

  // ---- The user's view -------------------------------------------------------------------------------------------

  get writeHalf(): WriteHalf {
    return this.writing.half;
  }

  get queuedBytes(): number {
    return this.writing.queuedBytes + (this.loop.dispatching === this ? this.loop.outbox.length : 0);
  }

  get needsDrain(): boolean {
    return this.writing.needsDrain;
  }

  get remoteAddress(): SocketAddress | undefined {
    return this.lifecycle === 'closed' ? undefined : this.loop.sockets.remoteAddress(this.fd);
  }

  get localAddress(): SocketAddress | undefined {
    return this.lifecycle === 'closed' ? undefined : this.loop.sockets.localAddress(this.fd);
  }

  write(data: string | Uint8Array, encoding: 'utf8' | 'latin1' = 'utf8'): boolean {
    if (!acceptsBytes(this.writing.half)) return false;
    return this.accepted(this.writing.accept(data, encoding, this.loop.dispatching === this));
  }

  writeShared(data: Uint8Array): boolean {
    if (!acceptsBytes(this.writing.half)) return false;
    return this.accepted(this.writing.acceptShared(data, this.loop.dispatching === this));
  }

  end(data?: string | Uint8Array): void {
    if (data !== undefined) this.write(data);
    this.writing.end();
    this.flushSoon();
  }

  close(options: { deadlineMs?: number } = {}): void {
    if (this.lifecycle === 'connecting' || this.lifecycle === 'handshaking') return this.destroy();
    if (this.lifecycle !== 'open') return;
    this.lifecycle = stepLifecycle(this.lifecycle, 'leave');
    this.setDeadline(options.deadlineMs ?? this.loop.limits.closeTimeoutMs);
    this.resume();
    this.end();
  }

  destroy(error?: Error): void {
    this.finish(error === undefined ? 'clean' : 'error', error);
  }

  pause(): void {
    if (this.lifecycle !== 'open' || this.readHalf === 'paused' || this.readHalf === 'ended') return;
    this.readHalf = stepReadHalf(this.readHalf, 'pause');
  }

  resume(): void {
    if (this.readHalf !== 'paused') return;
    this.readHalf = stepReadHalf(this.readHalf, 'resume');
    this.listReady();
  }

  // ---- Called by the reactor -------------------------------------------------------------------------------------

  /** Registers with the poller and takes the first step. Called once, by whoever made the connection. */
  start(): void {
    const { limits, poller } = this.loop;
    const connecting = this.lifecycle === 'connecting';
    this.setDeadline(connecting ? limits.connectTimeoutMs : limits.handshakeTimeoutMs);
    try {
      poller.add(
        this.fd,
        this.slot,
        this.generation,
        Interest.readable | (connecting ? Interest.writable : 0),
      );
    } catch (thrown) {
      // epoll_ctl(2): ENOSPC or ENOMEM. It costs this connection, not the listener that accepted it.
      return this.finish('error', thrown as Error);
    }
    this.registered = true;
    if (connecting) return;
    // Inside a hook of another connection the outbox is taken: this one waits for its turn.
    if (this.loop.dispatching === undefined) this.dispatch(0);
    else this.listReady();
  }

  onEdge(ready: number): void {
    if ((ready & HINTS) !== 0) this.hangupSeen = true;
    this.dispatch(ready);
  }

  onTurn(): void {
    this.listedReady = false;
    this.dispatch(0);
  }

  onFlush(): void {
    this.listedFlush = false;
    this.dispatch(0);
  }

  onShutdown(): void {
    if (this.lifecycle === 'closing' || this.lifecycle === 'closed') return;
    if (this.lifecycle !== 'open' || this.protocol.onShutdown === undefined) return this.close();
    try {
      this.protocol.onShutdown(this);
    } catch (thrown) {
      this.onHookThrew(thrown);
    }
  }

  onDeadline(): void {
    const which = DEADLINE_OF[this.lifecycle];
    if (which !== undefined) this.finish('timeout', new TimeoutError(which, this.deadlineMs));
  }

  // ---- One dispatch ----------------------------------------------------------------------------------------------

  /** Everything that can be done now: the lifecycle's next step, then reading, then writing, then the interest. */
  private dispatch(ready: number): void {
    if (this.lifecycle === 'closed') return;
    this.loop.dispatching = this;
    const readable = (ready & (Ready.readable | HINTS)) !== 0;
    const writable = (ready & (Ready.writable | BROKEN)) !== 0;
    if (writable && awaitsWritable(this.writing.half)) {
      this.writing.half = stepWriteHalf(this.writing.half, 'writable');
    }
    if (readable && awaitsReadable(this.writing.half)) {
      this.writing.half = stepWriteHalf(this.writing.half, 'readable');
    }
    if (this.lifecycle === 'connecting') this.finishConnect();
    if (this.lifecycle === 'handshaking') this.handshake();
    if (this.lifecycle === 'open' || this.lifecycle === 'closing') {
      if (readable) this.readHalf = stepReadHalf(this.readHalf, 'edge');
      if (writable && this.readHalf === 'wants-write')
        this.readHalf = stepReadHalf(this.readHalf, 'writable');
      this.drain();
      this.flush();
    }
    this.settle();
    this.loop.dispatching = undefined;
  }

  private finishConnect(): void {
    if (this.writing.half !== 'ready') return;
    const result = this.loop.sockets.connectResult(this.fd);
    if (result === 0) {
      this.lifecycle = stepLifecycle(this.lifecycle, 'connected');
      this.setDeadline(this.loop.limits.handshakeTimeoutMs);
      return;
    }
    if (this.writing.awaitEdge(result)) return;
    const failure = this.transport.failure();
    this.finish(failure.reason, failure.error);
  }

  private handshake(): void {
    if (this.writing.half !== 'ready') return;
    // A plain transport has nothing to compute: only sealed ones draw on the budget.
    if (this.transport.secure && !this.loop.takeHandshakeStep()) return this.listReady();
    const progress = this.transport.handshake();
    if (progress === 0) return this.open();
    if (this.writing.awaitEdge(progress)) return;
    const failure = this.transport.failure();
    this.finish(failure.reason, failure.error);
  }

  private open(): void {
    this.loop.deadlines.clear(this);
    this.loop.counters.opened += 1;
    this.lifecycle = stepLifecycle(this.lifecycle, 'opened');
    // The first request may have come with the last flight of the handshake: no edge will tell.
    this.readHalf = stepReadHalf(this.readHalf, 'edge');
    try {
      this.state = this.protocol.onOpen(this);
    } catch (thrown) {
      this.onHookThrew(thrown);
      // There is no state that `onClose` could work on.
      return this.owner.onClosed(this.keptClose?.error);
    }
    this.hooksOpen = true;
    this.owner.onOpened();
    if (this.keptClose !== undefined) this.tellClose(this.keptClose.reason, this.keptClose.error);
  }

  private drain(): void {
    let budget = this.loop.limits.readBudgetBytes;
    while (this.readHalf === 'draining') {
      if (budget <= 0) {
        this.readHalf = stepReadHalf(this.readHalf, 'spent');
        return this.listReady();
      }
      const progress = this.transport.read(this.loop.readBuffer.bytes);
      if (progress > 0) {
        budget -= progress;
        if (this.transport.drained && !this.hangupSeen) this.readHalf = stepReadHalf(this.readHalf, 'dry');
        // The hook may pause, resume, end or destroy: whether to go on is decided by the state it leaves.
        this.deliver(progress);
      } else if (progress === Status.wantsRead) {
        this.readHalf = stepReadHalf(this.readHalf, 'dry');
      } else if (progress === Status.wantsWrite) {
        this.readHalf = stepReadHalf(this.readHalf, 'block');
      } else if (progress === Status.ended) {
        this.readHalf = stepReadHalf(this.readHalf, 'end');
        this.peerEnded();
      } else {
        const failure = this.doom ?? this.transport.failure();
        return this.finish(failure.reason, failure.error);
      }
    }
  }

  private deliver(count: number): void {
    if (this.lifecycle !== 'open' || this.protocol.onData === undefined) return;
    const { readBuffer, poisonReads } = this.loop;
    try {
      this.protocol.onData(this, readBuffer.lend(count));
    } catch (thrown) {
      this.onHookThrew(thrown);
    }
    if (poisonReads) readBuffer.poison(count);
  }

  private peerEnded(): void {
    if (this.lifecycle !== 'open' || this.doom !== undefined) return;
    if (this.protocol.onEnd === undefined) return this.end();
    try {
      this.protocol.onEnd(this);
    } catch (thrown) {
      this.onHookThrew(thrown);
    }
  }

  private flush(): void {
    if (this.lifecycle === 'closed') return;
    if (this.loop.outbox.length > 0 && !this.writing.flushStaged()) return this.writeFailed();
    if (this.writing.hasWork && !this.writing.flush()) return this.writeFailed();
    if (!this.writing.needsDrain || this.lifecycle !== 'open') return;
    if (this.writing.queuedBytes > this.loop.limits.lowWaterMarkBytes) return;
    this.tellDrain();
  }

  private tellDrain(): void {
    this.writing.needsDrain = false;
    try {
      this.protocol.onDrain?.(this);
    } catch (thrown) {
      return this.onHookThrew(thrown);
    }
    if (!this.writing.flushStaged()) return this.writeFailed();
    if (this.writing.hasWork && !this.writing.flush()) return this.writeFailed();
    // A producer that the socket keeps up with would hold the loop here: it goes on when others had their turn.
    if (this.writing.needsDrain) this.listReady();
  }

  /** What a dispatch leaves behind: a connection that is over, and the interest that its halves now have. */
  private settle(): void {
    if (this.lifecycle === 'closed') {
      this.loop.outbox.length = 0;
      return;
    }
    if (this.doom !== undefined && this.readHalf !== 'draining') {
      return this.finish(this.doom.reason, this.doom.error);
    }
    if (this.readHalf === 'ended' && this.writing.half === 'ended') return this.finish('clean', undefined);
    const wanted = awaitsWritable(this.writing.half) || this.readHalf === 'wants-write';
    if (wanted === this.writableArmed) return;
    this.writableArmed = wanted;
    const interest = wanted ? Interest.readable | Interest.writable : Interest.readable;
    this.loop.poller.modify(this.fd, this.slot, this.generation, interest);
  }

  // ---- Leaving ---------------------------------------------------------------------------------------------------

  /** Writing is over; the receive queue may hold what the peer sent before it broke off, which is delivered first. */
  private writeFailed(): void {
    this.doom = this.transport.failure();
    this.writing.abort();
    if (this.readHalf !== 'idle' && this.readHalf !== 'draining') return;
    this.readHalf = stepReadHalf(this.readHalf, 'edge');
    this.hangupSeen = true;
    this.listReady();
  }

  private onHookThrew(thrown: unknown): void {
    const error = thrown instanceof Error ? thrown : new Error(`A hook threw ${String(thrown)}`);
    this.loop.report(error);
    this.finish('error', error);
  }

  private finish(reason: CloseReason, error: Error | undefined): void {
    if (this.lifecycle === 'closed') return;
    const wasOpen = this.lifecycle === 'open' || this.lifecycle === 'closing';
    this.lifecycle = stepLifecycle(this.lifecycle, 'close');
    if (this.readHalf !== 'ended') this.readHalf = stepReadHalf(this.readHalf, 'end');
    this.writing.abort();
    this.loop.deadlines.clear(this);
    if (this.registered) this.loop.poller.remove(this.fd);
    this.transport.close();
    this.loop.retire(this);
    this.loop.counters.closed += 1;
    if (!wasOpen) {
      this.owner.onFailed(reason, error ?? new DestroyedError());
      this.owner.onClosed(error);
    } else if (this.hooksOpen) this.tellClose(reason, error);
    else this.keptClose = { reason, error };
  }

  private tellClose(reason: CloseReason, error: Error | undefined): void {
    try {
      this.protocol.onClose?.(this, reason, error);
    } catch (thrown) {
      this.loop.report(thrown instanceof Error ? thrown : new Error(`onClose threw ${String(thrown)}`));
    }
    this.owner.onClosed(error);
  }

  // ---- Coming back -----------------------------------------------------------------------------------------------

  /** The second half of both writes: failure, caps, marks, and seeing to it that the bytes leave. */
  private accepted(flowing: boolean): boolean {
    if (!flowing) {
      this.writeFailed();
      return false;
    }
    const queued = this.queuedBytes;
    const { highWaterMarkBytes, maxQueuedBytes } = this.loop.limits;
    if (queued > maxQueuedBytes) {
      this.finish('limit', new LimitError(queued, maxQueuedBytes));
      return false;
    }
    if (this.loop.dispatching !== this) this.flushSoon();
    if (queued < highWaterMarkBytes) return true;
    this.writing.needsDrain = true;
    return false;
  }

  private setDeadline(delayMs: number): void {
    this.deadlineMs = delayMs;
    this.loop.deadlines.set(this, delayMs);
  }

  private listReady(): void {
    if (this.listedReady || this.lifecycle === 'closed') return;
    this.listedReady = true;
    this.loop.enqueueReady(this);
  }

  private flushSoon(): void {
    if (this.listedFlush || this.lifecycle === 'closed' || this.loop.dispatching === this) return;
    this.listedFlush = true;
    this.loop.enqueueFlush(this);
  }
}
