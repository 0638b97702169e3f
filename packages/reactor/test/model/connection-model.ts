/**
 * What a connection has to do, as a protocol's author understands it: the reference that the machine is held against.
 *
 * Rule: it is told what the application did and which hooks ran, and looks at the wire; it never asks the machine.
 */

import type { OpenDeadline } from '../../src/deadline.ts';
import type { CloseReason } from '../../src/index.ts';
import type { Timeouts } from '../../src/open-deadlines.ts';
import { DeadlineModel, LATEST_MS } from './deadline-model.ts';
import { InboundModel, type Stretch } from './inbound-model.ts';
import type { Marks } from './marks.ts';
import { ShutdownModel } from './shutdown-model.ts';
import type { Surroundings } from './simulated-socket.ts';
import type { Wire } from './wire.ts';

export class ConnectionModel {
  /** `opening` while `onOpen` runs; `failed` is over before it was open. */
  phase: 'new' | 'opening' | 'open' | 'closing' | 'closed' | 'failed' = 'new';
  paused = false;
  /** A `write` answered false and `onDrain` is still to come. */
  owedDrain = false;
  /** The reason that is certain, once something decided it. */
  leaving: { reason: CloseReason; isCause: (cause: Error | undefined) => boolean } | undefined;
  readonly inbound: InboundModel;
  /** `become` was called, and `onOpen` of the other protocol is still to come. */
  isBecoming = false;
  /** When it was accepted, or set out; undefined while it waits in the backlog. */
  private beganAt: number | undefined;
  private readonly wire: Wire;
  private readonly marks: Marks;
  private readonly world: Surroundings;
  private readonly deadlines: DeadlineModel;
  private closeAt = 0;
  private readonly shutdowns = new ShutdownModel();
  private finishSeen = false;
  /** Since when an upgrade shakes hands; undefined while none does. */
  private upgradingSince: number | undefined;
  /** `close()` was called meanwhile. */
  private closeAfterMs: number | undefined;

  constructor(wire: Wire, marks: Marks, timeouts: Timeouts, world: Surroundings) {
    this.wire = wire;
    this.marks = marks;
    this.inbound = new InboundModel(wire);
    this.deadlines = new DeadlineModel(wire, timeouts, world);
    this.world = world;
  }

  /** The application may still do something with it. */
  get isHeld(): boolean {
    return this.phase === 'opening' || this.phase === 'open' || this.phase === 'closing';
  }

  get isOver(): boolean {
    return this.phase === 'closed' || this.phase === 'failed';
  }

  get isUpgrading(): boolean {
    return this.isHeld && this.upgradingSince !== undefined;
  }

  get hasBegun(): boolean {
    return this.beganAt !== undefined;
  }

  begin(): void {
    this.beganAt = this.world.now();
  }

  // ---- What the application does ----

  /** Whether bytes that are written now have to be taken. */
  get takesBytes(): boolean {
    const open = this.phase === 'opening' || this.phase === 'open';
    return open && this.leaving === undefined && !this.wire.endAsked && !this.wire.writeFailed;
  }

  /** `write` answered, having taken the bytes. */
  wrote(answer: boolean): void {
    const stillOpen = this.phase !== 'closed' && this.leaving === undefined && !this.wire.writeFailed;
    if (!stillOpen)
      return this.mustBe(answer === false, 'write answered true although the connection is over');
    if (this.isAboveCap()) return this.mustBe(answer === false, 'the cap on queued bytes was passed');
    const below = this.wire.queued < this.marks.highWaterMarkBytes && !this.wire.hasFiles;
    this.mustBe(answer === below, `write answered ${answer} with ${this.wire.queued} bytes queued`);
    if (!answer) this.owedDrain = true;
  }

  /** The bytes of `end(data)` were taken: nobody hears the answer, but a drain is owed all the same. */
  wroteLast(): void {
    if (!this.isHeld || this.isAboveCap()) return;
    if (this.wire.queued >= this.marks.highWaterMarkBytes || this.wire.hasFiles) this.owedDrain = true;
  }

  /** A file was taken. */
  queuedFile(): void {
    if (this.isHeld) this.owedDrain = true;
  }

  /** It was over at once, for the file ahead cannot be sent; `onClose` waits for `onOpen`. */
  fileFailed(): void {
    const { frontFile, taken } = this.wire;
    if (this.phase === 'opening' && frontFile?.breaksAt === taken)
      this.mustLeave('error', (cause) => this.wire.isFileFault(cause));
  }

  asksEnd(): void {
    if (this.isHeld && this.leaving === undefined) this.wire.endAsked = true;
  }

  asksClose(deadlineMs: number): void {
    if (this.phase !== 'open' && this.phase !== 'opening') return;
    if (this.leaving !== undefined) return;
    if (this.isUpgrading) {
      this.closeAfterMs = deadlineMs;
      this.wire.endAsked = true;
      return;
    }
    this.closeAt = this.world.now() + deadlineMs;
    this.paused = false;
    this.wire.endAsked = true;
    // A hook that is running goes on as it was: only `onOpen`'s return makes `opening` something else.
    this.phase = 'closing';
  }

  /** Whether bytes that are given back now have to come again. */
  get takesBack(): boolean {
    const open = this.phase === 'opening' || this.phase === 'open';
    return open && this.leaving === undefined && !this.isUpgrading && !this.inbound.endSeen;
  }

  /** How `become` has to answer now. Of a failed write the application need not know. */
  get becomes(): boolean | 'refused' {
    if ((this.phase !== 'opening' && this.phase !== 'open') || this.leaving !== undefined) return false;
    if (this.phase === 'opening' || this.isUpgrading) return 'refused';
    return this.wire.endAsked && !this.wire.writeFailed ? 'refused' : true;
  }

  /** `become` is called, and has to take it over: it is as if it had just been opened. */
  asksBecome(head: readonly Stretch[]): void {
    this.isBecoming = true;
    this.inbound.become(head);
    this.paused = false;
    this.shutdowns.isTold = false;
    this.deadlines.beginAnew();
  }

  /** Whether an upgrade can be asked for now. */
  get takesUpgrade(): boolean {
    const open = this.phase === 'opening' || this.phase === 'open';
    const free = !this.wire.endAsked && !this.isUpgrading && !this.wire.hasFiles;
    return open && this.leaving === undefined && free;
  }

  asksUpgrade(): void {
    const { broken, writeFailed } = this.wire;
    this.upgradingSince = this.world.now();
    if (writeFailed && broken !== undefined) this.mustLeave(broken.reason, (cause) => cause === broken.error);
  }

  asksTimeouts(changes: Partial<Timeouts>): void {
    this.deadlines.change(changes);
  }

  asksResume(): void {
    if (this.paused) this.deadlines.resume();
    this.paused = false;
  }

  asksPause(): void {
    if (this.phase === 'open' || this.phase === 'opening') this.paused = true;
  }

  /** Its server or the whole reactor shuts down: it has to hear of it, and to be gone at the deadline. */
  mustGo(deadlineMs: number): void {
    if (!this.isOver) this.shutdowns.begin(this.world.now(), deadlineMs);
  }

  /** From now on only `reason` will do. The first one counts. */
  mustLeave(reason: CloseReason, isCause: (cause: Error | undefined) => boolean): void {
    if (this.isHeld) this.leaving ??= { reason, isCause };
  }

  // ---- Which hooks run ----

  opening(): void {
    const isNew = this.phase === 'new';
    this.mustBe(isNew || this.isBecoming, 'onOpen came twice');
    if (isNew) this.deadlines.open();
    this.isBecoming = false;
    this.phase = 'opening';
  }

  opened(): void {
    if (this.phase === 'opening') this.phase = 'open';
  }

  /** `onOpen` threw: there is no state that `onClose` could work on, and it is not called. */
  openThrew(): void {
    this.phase = 'closed';
  }

  data(chunk: Buffer): void {
    this.mustBeOpen('onData');
    this.mustBe(!this.paused, 'onData came while paused');
    this.mustBe(!this.inbound.endSeen, 'onData came after onEnd');
    this.mustNot(this.inbound.deliver(chunk));
  }

  /** The handshake of an upgrade is done: everything begins anew, a close that was asked for meanwhile too. */
  handshaken(): void {
    this.upgradingSince = undefined;
    this.deadlines.open();
    if (this.closeAfterMs !== undefined) this.asksClose(this.closeAfterMs);
  }

  upgraded(): void {
    this.mustBeOpen('onUpgraded');
  }

  drain(): void {
    this.mustBeOpen('onDrain');
    this.mustBe(this.owedDrain, 'onDrain came although no write had answered false');
    this.mustBe(this.wire.queued <= this.marks.lowWaterMarkBytes, 'onDrain came above the low-water mark');
    this.mustBe(!this.wire.hasFiles, 'onDrain came while a file was queued');
    this.owedDrain = false;
  }

  end(): void {
    const { wire } = this;
    this.mustBeOpen('onEnd');
    this.mustBe(!this.paused, 'onEnd came while paused');
    this.mustBe(!this.inbound.endSeen, 'onEnd came twice');
    this.mustBe(!this.inbound.hasAhead, 'onEnd came before what was given back');
    this.mustBe(wire.endTold, 'onEnd came before the peer had ended');
    this.mustBe(wire.delivered === wire.peerSent, 'onEnd came before all data');
    this.inbound.endSeen = true;
  }

  finish(): void {
    const { wire } = this;
    this.mustBe(this.isHeld && !this.isUpgrading, `onFinish came while ${this.phase}`);
    this.mustBe(wire.outEnded && wire.taken === wire.accepted, 'onFinish came before our side had ended');
    this.mustBe(!this.finishSeen, 'onFinish came twice');
    this.finishSeen = true;
  }

  timeout(which: OpenDeadline): void {
    this.mustBeOpen('onTimeout');
    this.mustNot(this.deadlines.objection(which, this.owesBytes));
  }

  waive(): void {
    this.deadlines.waive();
  }

  shutdown(): void {
    this.mustBeOpen('onShutdown');
    this.mustBe(this.shutdowns.isUnderWay, 'onShutdown came although nobody shuts down');
    this.mustBe(!this.shutdowns.isTold, 'onShutdown came twice');
    const { ranDry, readBlocked, writeFailed } = this.wire;
    this.mustBe(this.paused || ranDry || readBlocked || writeFailed, 'onShutdown came before all that is in');
    this.mustBe(this.paused || !this.inbound.hasAhead, 'onShutdown came before what was given back');
    this.shutdowns.isTold = true;
  }

  close(reason: CloseReason, cause: Error | undefined): void {
    this.mustBe(this.isHeld, 'onClose came twice, or without onOpen');
    this.mustBe(this.isRightReason(reason, cause), `closed with ${reason} (${cause?.message ?? 'no cause'})`);
    this.phase = 'closed';
  }

  /** The listener was closed and had not accepted it. */
  lose(): void {
    const inTime = this.shutdowns.destroysAt > this.world.now();
    this.mustBe(!inTime, 'it was in the backlog and the listener was closed');
    this.fail();
  }

  /** It ended before it was open. */
  fail(): void {
    this.mustBe(this.phase === 'new', 'it failed before it was open, after it was open');
    this.phase = 'failed';
  }

  // ---- At rest ----

  /** A `write` answered false, and the queue has fallen to the low-water mark since. */
  get isDrainDue(): boolean {
    const low = this.wire.queued <= this.marks.lowWaterMarkBytes && !this.wire.hasFiles;
    return !this.isUpgrading && this.owedDrain && low;
  }

  /** Our side has ended, and the application has not been told. */
  get isFinishDue(): boolean {
    return this.wire.outEnded && !this.finishSeen;
  }

  /** A read has told the end, and nobody has told the protocol of now. */
  get isEndDue(): boolean {
    const open = this.phase === 'open' && !this.isUpgrading && !this.paused && !this.wire.readBlocked;
    return open && this.wire.endTold && !this.inbound.endSeen;
  }

  /** A shutdown has begun, and the application has not been told. */
  get isShutdownDue(): boolean {
    const open = this.phase === 'open' && !this.isUpgrading;
    return open && this.shutdowns.isDue(this.world.now());
  }

  /** Complains of every deadline that should have fired by now. */
  checkDeadlines(): void {
    const latest = this.world.now() - LATEST_MS;
    const isLate = !this.isOver && this.shutdowns.destroysAt < latest;
    this.mustBe(!isLate, 'the deadline of the shutdown did not fire');
    if (this.phase === 'closing') this.mustBe(this.closeAt >= latest, 'the deadline of close() did not fire');
    if (this.phase === 'new' && this.beganAt !== undefined) {
      const longest = Math.max(this.marks.connectTimeoutMs, this.marks.handshakeTimeoutMs) * 2;
      this.mustBe(this.beganAt + longest >= latest, 'the deadline of the handshake did not fire');
    }
    if (this.upgradingSince !== undefined) {
      const dueAtMs = this.upgradingSince + this.marks.handshakeTimeoutMs;
      return this.mustBe(
        !this.isHeld || dueAtMs >= latest,
        "the deadline of an upgrade's handshake did not fire",
      );
    }
    if (this.phase !== 'open') return;
    const overdue = this.deadlines.overdue(this.owesBytes);
    this.mustBe(overdue === undefined, `the deadline ${overdue} did not fire`);
  }

  /** Too much is queued: it has to be closed by now, or as soon as `onOpen` has returned. */
  private isAboveCap(): boolean {
    if (this.wire.queued <= this.marks.maxQueuedBytes) return false;
    this.mustBe(this.phase !== 'open' && this.phase !== 'closing', 'the cap on queued bytes was passed');
    this.mustLeave(
      'limit',
      (cause) => (cause as { code?: string } | undefined)?.code === 'ERR_WRITE_QUEUE_FULL',
    );
    return true;
  }

  private isRightReason(reason: CloseReason, cause: Error | undefined): boolean {
    const { wire, leaving, inbound } = this;
    if (leaving !== undefined) return reason === leaving.reason && leaving.isCause(cause);
    const code = (cause as { code?: string } | undefined)?.code;
    switch (reason) {
      case 'clean':
        return (
          wire.endTold &&
          (this.phase === 'closing' || inbound.endSeen) &&
          wire.outEnded &&
          wire.taken === wire.accepted &&
          cause === undefined
        );
      case 'limit':
        return wire.queued > this.marks.maxQueuedBytes && code === 'ERR_WRITE_QUEUE_FULL';
      case 'timeout':
        return this.isTimeoutDue(code);
      case 'error':
        return wire.isFileFault(cause);
      default:
        return wire.isToldBroken(reason, cause) && (this.paused || this.isUpgrading || !this.hasMore);
    }
  }

  /** Something came in that was not told, and should be before it closes because the peer broke off. */
  private get hasMore(): boolean {
    return this.wire.hasUnread || (this.phase !== 'closing' && this.inbound.hasAhead);
  }

  private get owesBytes(): boolean {
    return !this.paused && !this.inbound.endSeen;
  }

  private isTimeoutDue(code: string | undefined): boolean {
    const now = this.world.now();
    if (code === 'ERR_SHUTDOWN_TIMEOUT') return this.shutdowns.destroysAt <= now;
    if (code === 'ERR_HANDSHAKE_TIMEOUT' && this.upgradingSince !== undefined)
      return this.upgradingSince + this.marks.handshakeTimeoutMs <= now;
    return code === 'ERR_CLOSE_TIMEOUT' && this.phase === 'closing' && this.closeAt <= now;
  }

  private mustBeOpen(hook: string): void {
    const open = this.phase === 'open' && this.leaving === undefined && !this.isUpgrading;
    this.mustBe(open, `${hook} came while ${this.leaving === undefined ? this.phase : 'it was over'}`);
  }

  private mustNot(objection: string | undefined): void {
    this.mustBe(objection === undefined, objection ?? '');
  }

  private mustBe(condition: boolean, otherwise: string): void {
    if (!condition) this.world.violate(`connection ${this.wire.id}: ${otherwise}`);
  }
}
