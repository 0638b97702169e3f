/**
 * The connection machine: turns edges, turns of the ready list and the user's verbs into calls of the transport and
 * hooks of the protocol.
 *
 * Rule: nothing waits for an edge unless the transport just said that it would block. Whatever stops earlier (budget,
 * resume, a drain to tell) goes on the ready list. Hooks may do anything, so every decision after one is made anew from
 * the state.
 */
import type { Handshaking } from './admission.ts';
import { handshakeStalled, queueOverflow } from './caps.ts';
import { ConnectionBecoming } from './connection-becoming.ts';
import type { Connection } from './connection-contract.ts';
import { ConnectionDeadlines, type DeadlineListener } from './connection-deadlines.ts';
import type { ConnectionInit } from './connection-owner.ts';
import { type NextTransport, type UpgradeOptions, upgradeOf } from './connection-upgrade.ts';
import type { Deadline } from './deadline.ts';
import type { Sender } from './departures.ts';
import { isDoubtful, isError, isReadable, isWritable } from './edges.ts';
import { TimeoutError } from './errors.ts';
import {
  type FileRange,
  fileRange,
  fileSource,
  rangeOf,
  type SendableFile,
  type SendFileOptions,
  unsent,
} from './file-source.ts';
import type { Stepper } from './handshake-queue.ts';
import type { Hooks } from './hooks.ts';
import { runsHooks, stepLifecycle } from './lifecycle.ts';
import { Listing } from './listing.ts';
import type { Flushable, Loop } from './loop.ts';
import { NEVER, type Timeouts } from './open-deadlines.ts';
import type { Receiver } from './read-side.ts';
import type { SharedFile } from './shared-file.ts';
import { Telling } from './telling.ts';
import { type Progress, Status } from './transport.ts';
import { acceptsBytes, awaitsWritable } from './write-half.ts';

export class ReactorConnection<State>
  extends ConnectionBecoming<State>
  implements Connection<State>, Flushable, Stepper, Sender, Receiver, DeadlineListener, Handshaking
{
  private readonly protocols: ConnectionInit<State>['protocols'];
  protected readonly telling: Telling<State>;
  protected readonly listing: Listing;
  protected readonly deadlines: ConnectionDeadlines;

  constructor(loop: Loop, slot: number, generation: number, init: ConnectionInit<State>) {
    super(loop, slot, generation, init);
    this.protocols = init.protocols;
    this.telling = new Telling(this, this.hooks, init.owner);
    this.listing = new Listing(loop, this);
    this.deadlines = new ConnectionDeadlines(loop, this, this.reading, this.writing);
  }

  // ---- The user's verbs ------------------------------------------------------------------------------------------

  write(data: string | Uint8Array, encoding: 'utf8' | 'latin1' = 'utf8'): boolean {
    if (!acceptsBytes(this.writing.half)) return false;
    return this.accepted(this.writing.accept(data, encoding, this.isDispatched));
  }

  writeShared(data: Uint8Array): boolean {
    if (!acceptsBytes(this.writing.half)) return false;
    return this.accepted(this.writing.acceptShared(data, this.isDispatched));
  }

  sendFile(file: SendableFile, options: SendFileOptions = {}): Promise<number> {
    return this.queueFile(file, fileRange(options));
  }

  sendOpenFile(file: SharedFile, offset: number, length: number): true | Promise<number> {
    const range = rangeOf(offset, length);
    // What is not there, or is nothing, is the business of who judges any file.
    const isUsual = length > 0 && offset + length <= file.sizeBytes;
    if (!isUsual || !this.isDispatched || !acceptsBytes(this.writing.half))
      return this.queueFile(file, range);
    const end = this.writing.sendBehindStaged({ file, offset, count: length });
    return end === 'whole' ? true : this.queueFile(file, range, end);
  }

  /** `tried`: what sending it behind what is staged has come to. */
  private queueFile(file: SendableFile, range: FileRange, tried?: Progress): Promise<number> {
    if (!acceptsBytes(this.writing.half)) return unsent(file);
    const source = fileSource(this.loop.disk, file);
    const queued = this.writing.makeFile(source, range, this.listing);
    if (!this.isDispatched) {
      this.writing.queueFile(queued);
      this.listing.flush();
      // What is staged was written before. At once: 3 µs between the head and the file make a mebibyte over loopback some 20 µs
      // dearer (performance-notes.md).
    } else if (this.writing.queueBehindStaged(queued, tried)) {
      this.sendAll();
    } else {
      this.writeFailed();
      queued.abandon(undefined);
    }
    return queued.sent;
  }

  end(data?: string | Uint8Array): void {
    if (data !== undefined) this.write(data);
    this.writing.end();
    this.listing.flush();
  }

  close(options: { deadlineMs?: number } = {}): void {
    if (!this.telling.hasBegun) return this.destroy();
    if (this.lifecycle === 'handshaking' || this.lifecycle === 'early') this.dueClose = options;
    if (this.lifecycle === 'early') this.resume();
    if (this.lifecycle !== 'open') return this.end();
    this.lifecycle = stepLifecycle(this.lifecycle, 'leave');
    this.deadlines.begin('close', options.deadlineMs ?? this.loop.limits.closeTimeoutMs);
    this.resume();
    this.end();
  }

  upgrade(next: NextTransport, options: UpgradeOptions): void {
    if (this.lifecycle === 'closing' || this.lifecycle === 'closed') return;
    // What still comes in plain must not be taken for what the upgrade was to protect.
    if (this.doom !== undefined) return this.destroy();
    const make = upgradeOf(this, next, options, this.telling.owner.host, {
      hasFiles: this.writing.hasFiles,
      unread: this.reading.unread,
    });
    if (this.writing.sendPosted() === 'failed' || (this.isDispatched && !this.writing.flushStaged()))
      return this.transportFailed(this.writing.failure());
    this.lifecycle = stepLifecycle(this.lifecycle, 'upgrade');
    this.telling.upgradeBegun();
    this.transport.release?.();
    try {
      this.transport = make(this.registration.fd);
    } catch (thrown) {
      return this.finish('error', thrown as Error);
    }
    this.reading.upgrade(this.transport);
    this.writing.upgrade(this.transport);
    this.deadlines.begin('handshake', this.loop.limits.handshakeTimeoutMs);
    this.listing.ready();
  }

  setTimeouts(timeouts: Partial<Timeouts>): void {
    this.deadlines.change(timeouts);
  }

  setDeadline(afterMs: number): void {
    this.deadlines.setOwn(afterMs);
  }

  pause(): void {
    if (runsHooks(this.lifecycle) || this.lifecycle === 'handshaking') this.reading.pause();
  }

  resume(): void {
    if (!this.reading.resume()) return;
    this.deadlines.resumed();
    this.listing.ready();
  }

  // ---- Called by the reactor -------------------------------------------------------------------------------------

  protected get isDispatched(): boolean {
    return this.loop.dispatching === this;
  }

  giveWay(ageMs: number): void {
    // What ran since it was chosen may have ended it.
    if (!this.awaitsPeer) return;
    this.finish('limit', handshakeStalled(this.loop, this, ageMs));
  }

  /** Registers with the poller and takes the first step. Called once, by whoever made the connection. */
  start(): void {
    try {
      this.registration.add();
    } catch (thrown) {
      // epoll_ctl(2): ENOSPC or ENOMEM. It costs this connection, not the listener that accepted it.
      return this.finish('error', thrown as Error);
    }
    // Inside a hook of another connection the outbox is taken: this one waits for its turn.
    if (this.loop.dispatching === undefined) this.dispatch(0);
    else this.listing.ready();
    // A plain connection is open by now.
    if (this.lifecycle === 'handshaking' || this.lifecycle === 'early')
      this.deadlines.begin('handshake', this.loop.limits.handshakeTimeoutMs);
  }

  onEdge(ready: number): void {
    if (isDoubtful(ready)) this.reading.doubtShortReads();
    this.dispatch(ready);
    this.reading.leaveSeat();
    if (isError(ready) && this.reading.half === 'ended' && this.lifecycle !== 'closed') this.noticeError();
  }

  onTurn(): void {
    this.listing.takeReady();
    if (this.lifecycle === 'early') this.reading.edge();
    this.dispatch(0);
  }

  onStep(): void {
    this.listing.takeStep();
    this.dispatch(0);
  }

  onDeparted(): void {
    this.dispatch(0);
  }

  onFlush(): void {
    this.listing.takeFlush();
    this.dispatch(0);
  }

  onShutdown(): void {
    if (this.shutdown !== 'none') return;
    this.shutdown = 'due';
    if (runsHooks(this.lifecycle)) this.reading.edge();
    this.listing.ready();
  }

  get holdsUpHandshake(): boolean {
    return this.lifecycle === 'early' && this.reading.half === 'paused';
  }

  onDeadlinePassed(which: Deadline, timeoutMs: number): boolean {
    const answer = this.hooks.timeout(this, which);
    if (answer === true) return true;
    if (answer instanceof Error) this.finish('error', answer);
    else this.finish('timeout', new TimeoutError(which, timeoutMs));
    return false;
  }

  // ---- One dispatch ----------------------------------------------------------------------------------------------

  /** Everything that can be done now: the lifecycle's next step, then reading, then writing, then the interest. */
  private dispatch(ready: number): void {
    if (this.lifecycle === 'closed') return;
    this.loop.dispatching = this;
    const readable = isReadable(ready);
    const writable = isWritable(ready);
    this.writing.edges(readable, writable);
    if (this.lifecycle === 'handshaking') this.handshake();
    if (runsHooks(this.lifecycle) || this.lifecycle === 'closing') {
      if (readable) this.reading.edge();
      if (writable) this.reading.writable();
      this.drain();
      if (this.shutdown === 'due' && this.reading.half !== 'draining') this.tellShutdown();
      this.flush();
    }
    this.settle();
    this.loop.dispatching = undefined;
  }

  private handshake(): void {
    const before = this.writing.finishBefore();
    if (before === 'failed') return this.transportFailed(this.writing.failure());
    if (before === 'waits') return;
    // A plain transport has nothing to compute: only sealed ones wait for their turn.
    if (this.transport.secure && !this.loop.takeHandshakeStep(this)) return this.listing.step();
    const progress = this.transport.handshake(this.reading.trustsShortReads);
    // It may have asked code of the user, which may do anything.
    if (this.lifecycle !== 'handshaking') return;
    if (progress === 0) return this.telling.hasBegun ? this.upgraded() : this.open();
    if (progress === Status.early) return this.openEarly();
    if (progress === Status.suspended) return this.writing.suspend(() => this.listing.ready());
    if (!this.writing.awaitEdge(progress)) this.transportFailed(this.transport.failure());
  }

  private open(): void {
    const hooks = this.protocols.hooksFor(this.transport);
    if (hooks instanceof Error) return this.finish('error', hooks);
    this.telling.handshaken();
    this.lifecycle = stepLifecycle(this.lifecycle, 'opened');
    this.deadlines.open();
    this.handshakeLeft();
    this.begin(hooks);
  }

  /** The first request may have come with the last flight of the handshake: no edge will tell. */
  private handshakeLeft(): void {
    if (!this.transport.drained || !this.reading.trustsShortReads) this.reading.edge();
  }

  /** Bytes may flow; the handshake goes on, under its deadline. */
  private openEarly(): void {
    const hooks = this.protocols.hooksFor(this.transport);
    if (hooks instanceof Error) return this.finish('error', hooks);
    this.loop.counters.openedEarly += 1;
    this.lifecycle = stepLifecycle(this.lifecycle, 'early');
    this.begin(hooks);
    if (this.lifecycle !== 'early') return;
    // What a client has to say it says before the first read, which may send what is left of the handshake: that waits a
    // turn, so that whoever awaits `connect` can write, too.
    this.sendAll();
    if (this.telling.owner.listener === undefined) this.listing.ready();
    else this.reading.edge();
  }

  private begin(hooks: Hooks<State>): void {
    this.hooks = hooks;
    this.loop.counters.opened += 1;
    this.writing.blockedMs = NEVER;
    const thrown = this.telling.open(hooks);
    if (thrown === undefined) return;
    this.finish('error', thrown);
    this.telling.openThrew(thrown);
  }

  onOpened(): void {
    this.telling.handshaken();
    this.lifecycle = stepLifecycle(this.lifecycle, 'opened');
    this.deadlines.open();
    // A write that waited for the handshake waited for what has just been read.
    this.writing.edges(true, false);
    if (this.dueClose !== undefined) this.close(this.dueClose);
    else this.endIfThrown(this.hooks.handshaken(this));
  }

  /** The handshake of an upgrade is done. */
  private upgraded(): void {
    this.loop.counters.upgraded += 1;
    this.telling.upgradeOver();
    this.lifecycle = stepLifecycle(this.lifecycle, 'opened');
    this.writing.upgraded();
    this.deadlines.open();
    this.handshakeLeft();
    if (this.dueClose !== undefined) this.close(this.dueClose);
    else this.endIfThrown(this.hooks.upgraded(this));
  }

  private drain(): void {
    // What a write waits for may be in what was read before, and no edge tells of that again (P16).
    if (this.reading.half === 'draining') this.writing.edges(true, false);
    const end = this.reading.drain(this);
    if (end === 'spent') this.listing.ready();
    if (end === 'failed') this.transportFailed(this.doom ?? this.transport.failure());
  }

  private tellShutdown(): void {
    // The drain before may have begun an upgrade, or closed: what is told now must find it open.
    if (this.lifecycle !== 'open') return;
    this.shutdown = 'told';
    this.endIfThrown(this.hooks.shutdown(this));
  }

  private flush(): void {
    if (this.lifecycle === 'closed') return;
    if (this.lifecycle === 'open' && this.doom === undefined && this.writing.post(this)) return;
    if (!this.sendAll() || !this.writing.needsDrain || this.writing.hasFiles) return;
    // What was dropped after a failed write is no room for more.
    if (!runsHooks(this.lifecycle) || this.doom !== undefined) return;
    if (this.writing.queuedBytes > this.loop.limits.lowWaterMarkBytes) return;
    this.tellDrain();
  }

  /** Whether writing goes on. */
  private sendAll(): boolean {
    const { writing } = this;
    if (!writing.sendAll()) this.writeFailed();
    else if (writing.fileFailure !== undefined) this.finish('error', writing.fileFailure);
    else return true;
    return false;
  }

  private tellDrain(): void {
    this.writing.needsDrain = false;
    this.endIfThrown(this.hooks.drain(this));
    if (this.writing.half === 'ended' || !this.sendAll()) return;
    // A producer that the socket keeps up with would hold the loop here: it goes on when others had their turn.
    if (this.writing.needsDrain) this.listing.ready();
  }

  /** What a dispatch leaves behind: a connection that is over, and the interest that its halves now have. */
  private settle(): void {
    if (this.writing.takeFinish() && this.lifecycle !== 'closed') this.endIfThrown(this.hooks.finish(this));
    if (this.lifecycle === 'closed') {
      this.loop.outbox.drop();
      return;
    }
    if (this.doom !== undefined && this.reading.half !== 'draining') return this.transportFailed(this.doom);
    if (this.reading.half === 'ended' && this.writing.half === 'ended')
      return this.finish('clean', undefined);
    const isSpent = this.writing.takeSpent();
    if (this.reading.followWrite() || isSpent) this.listing.ready();
    this.deadlines.settle();
    this.registration.armWritable(awaitsWritable(this.writing.half) || this.reading.half === 'wants-write');
  }

  // ---- Bytes -----------------------------------------------------------------------------------------------------

  onBytes(chunk: Buffer): void {
    // After `close()` nothing is delivered any more, be it that the handshake goes on.
    if (runsHooks(this.lifecycle) && this.dueClose === undefined)
      this.endIfThrown(this.hooks.data(this, chunk));
  }

  onPeerEnded(): void {
    if (runsHooks(this.lifecycle) && this.doom === undefined) this.endIfThrown(this.hooks.end(this));
  }

  /** The second half of both writes: failure, caps, marks, and seeing to it that the bytes leave. */
  private accepted(flowing: boolean): boolean {
    if (!flowing) {
      this.writeFailed();
      return false;
    }
    const queued = this.queuedBytes;
    const overflow = queueOverflow(this.loop, this, queued);
    if (overflow !== undefined) {
      this.finish('limit', overflow);
      return false;
    }
    this.listing.flush();
    if (queued < this.loop.limits.highWaterMarkBytes && !this.writing.hasFiles) return true;
    this.writing.needsDrain = true;
    return false;
  }
}
