/**
 * One edge-triggered socket with a TLS-like transport on it, as a kernel would run them: an edge is reported once for a
 * change and then never again, a change of the interest reports what is ready at that moment, and either direction may ask
 * for either edge. Whoever loses an edge stays asleep.
 *
 * Rule: it knows no mercy. A call that the contract of `transport.ts` forbids is a violation, told at once.
 */
import { Interest, Ready } from '../../src/poller.ts';
import { type Progress, Status, type Transport, type TransportFailure } from '../../src/transport.ts';
import { isStreamAt, streamBytes } from './streams.ts';
import { Suspension } from './suspension.ts';
import type { Need, Traits } from './traits.ts';
import type { Wire } from './wire.ts';

/** What the socket needs of the world around it. */
export interface Surroundings {
  now(): number;
  violate(message: string): void;
  /** The transport was closed: its descriptor is to be freed. */
  release(socket: SimulatedSocket): void;
  /** The socket is closed. */
  released(socket: SimulatedSocket): void;
}

type Want = 'none' | 'readable' | 'writable';

export class SimulatedSocket implements Transport {
  readonly name = 'simulated';
  readonly applicationProtocol = undefined;
  drained = false;
  closed = false;
  /** A successor has taken it over. */
  released = false;
  /** What the last call of each side asked for; `write` is the shutdown's too. */
  readonly wants: Record<'handshake' | 'read' | 'write', Want> = {
    handshake: 'none',
    read: 'none',
    write: 'none',
  };
  readonly wire: Wire;
  private readonly traits: Traits;
  readonly world: Surroundings;
  private connectState: 'pending' | 'done' | 'refused';
  /** It is known to be connected: from now on the transport closes it. */
  private hasTransport: boolean;
  /** A successor adds its own. */
  readonly handshakeNeeds: Need[];
  /** What the handshake waits for when it waits for no edge. */
  readonly suspension = new Suspension();
  private peerFlights = 0;
  private room: number;
  private haste: number;
  /** A call found no room: the next room is an edge. */
  private starved = false;
  /** The transport has to send something of its own before it reads on (a KeyUpdate's answer). */
  private owesPeer = false;
  /** The transport has to hear from the peer before it writes on (a renegotiation). */
  private awaitsPeer = false;
  /** Reads stop here once: urgent data. */
  private mark: number | undefined;
  /** Bytes that were offered to a write and refused. */
  private offered = 0;
  private edges = 0;

  constructor(wire: Wire, traits: Traits, world: Surroundings, connecting: boolean) {
    this.wire = wire;
    this.traits = traits;
    this.world = world;
    this.connectState = connecting ? 'pending' : 'done';
    this.hasTransport = !connecting;
    this.handshakeNeeds = [...traits.handshake];
    this.room = traits.room;
    this.haste = traits.haste;
  }

  get secure(): boolean {
    return this.traits.secure;
  }

  // ---- What can happen to it: the peer and the network ----

  peerConnects(): void {
    if (this.connectState !== 'pending') return;
    this.connectState = 'done';
    this.edges |= Ready.writable;
  }

  peerRefuses(): void {
    if (this.connectState !== 'pending') return;
    this.connectState = 'refused';
    this.wire.broken = { reason: 'reset', error: new Error(`connection ${this.wire.id} was refused`) };
    this.edges |= Ready.writable | Ready.hangup | Ready.error;
  }

  /** The next message of the peer's handshake. */
  peerSendsFlight(): void {
    if (!this.isAlive()) return;
    this.peerFlights += 1;
    this.edges |= Ready.readable;
  }

  peerSends(count: number): void {
    if (!this.isAlive() || this.wire.peerEnded) return;
    this.wire.peerSent += count;
    this.edges |= Ready.readable;
  }

  peerSendsUrgently(): void {
    if (!this.isAlive() || this.wire.peerEnded) return;
    this.wire.peerSent += 1;
    this.mark = this.wire.peerSent;
    this.edges |= Ready.readable | Ready.urgent;
  }

  peerEnds(): void {
    if (!this.isAlive() || this.wire.peerEnded) return;
    this.wire.peerEnded = true;
    this.edges |= Ready.readClosed | Ready.readable | this.hangupBit();
  }

  peerReads(count: number): void {
    // Who has vanished as far as we can hear may still take what we send.
    const takes = this.isAlive() || this.wire.broken?.reason === 'truncated';
    if (!takes || this.closed || count === 0) return;
    this.room += count;
    if (!this.starved) return;
    this.starved = false;
    this.edges |= Ready.writable;
  }

  /** From now on a read first wants to write, until there is room. */
  peerDemandsAnswer(): void {
    if (!this.isAlive()) return;
    this.owesPeer = true;
    this.edges |= Ready.readable;
  }

  /** From now on a write wants to read, until {@link peerAnswers}. */
  demandAnswer(): void {
    // Not of a transport that is being taken off: it has nothing of its own on the wire.
    if (this.wire.border === undefined) this.awaitsPeer = true;
  }

  peerAnswers(): void {
    if (!this.isAlive()) return;
    this.awaitsPeer = false;
    this.edges |= Ready.readable;
  }

  /** `reset`: neither direction works any more. `truncated`: the peer is gone without a word, writing still works. */
  breakOff(reason: 'reset' | 'truncated'): void {
    const wasAlive = this.isAlive() || (this.wire.broken?.reason === 'truncated' && !this.closed);
    if (!wasAlive || (reason === 'truncated' && (this.wire.peerEnded || this.wire.broken !== undefined)))
      return;
    this.wire.broken = { reason, error: new Error(`connection ${this.wire.id} broke: ${reason}`) };
    this.edges |= reason === 'reset' ? this.traits.breakBits : Ready.readable | Ready.readClosed;
  }

  // ---- The kernel ----

  /** The edges that are due under `interest`; they are due no longer. */
  takeEdges(interest: number): number {
    if (this.edges === 0) return 0;
    const level = this.traits.wholeEvents ? this.level() : 0;
    const due = (this.edges | level) & ((interest & Interest.writable) === 0 ? ~Ready.writable : ~0);
    this.edges = 0;
    return due;
  }

  /** EPOLL_CTL_ADD and EPOLL_CTL_MOD poll anew: what is ready now is an edge. */
  rearm(interest: number): void {
    this.edges |= this.level() & ((interest & Interest.writable) === 0 ? ~Ready.writable : ~0);
  }

  connectResult(): Progress {
    if (this.connectState === 'pending') return Status.wantsWrite;
    if (this.connectState === 'refused') return Status.failed;
    this.hasTransport = true;
    return 0;
  }

  // ---- The transport ----

  handshake(): Progress {
    this.begin('handshake');
    if (this.suspension.holds) this.world.violate('a suspended handshake was stepped');
    for (;;) {
      const [need] = this.handshakeNeeds;
      if (need === undefined) return 0;
      if (this.wire.broken?.reason === 'reset') return this.fail();
      if (need === 'answer' && !this.suspension.take()) return Status.suspended;
      if (need === 'write' && this.room === 0) return this.want('handshake', 'writable');
      if (need === 'read' && this.peerFlights === 0) {
        return this.wire.broken === undefined ? this.want('handshake', 'readable') : this.fail();
      }
      if (need === 'read') this.peerFlights -= 1;
      this.handshakeNeeds.shift();
    }
  }

  whenResumable(resume: () => void): void {
    this.suspension.whenResumable(resume);
  }

  read(buffer: Uint8Array): Progress {
    const { wire } = this;
    this.begin('read');
    if (wire.endTold || wire.failureTold) this.world.violate('read again after the end or a failure');
    if (this.owesPeer && wire.broken?.reason !== 'reset') {
      if (this.room === 0) return this.want('read', 'writable');
      this.owesPeer = false;
    }
    const count = Math.min(this.readableBytes(), buffer.length);
    if (count === 0) return this.readNothing();
    buffer.set(streamBytes(wire.inbound, wire.read, wire.read + count));
    wire.read += count;
    wire.lastReadAt = this.world.now();
    wire.reads.push({ at: wire.lastReadAt, bytes: count });
    if (this.mark === wire.read) this.mark = undefined;
    this.drained = this.traits.tellsDrained && count < buffer.length;
    wire.ranDry = this.drained;
    return count;
  }

  write(bytes: Uint8Array, offset: number, length: number): Progress {
    const { wire } = this;
    this.begin('write');
    if (length === 0) this.world.violate('a write of nothing');
    if (length < this.offered) this.world.violate('a refused write was retried with fewer bytes');
    if (wire.outEnded || wire.writeFailed) this.world.violate('a write after the end or a failure');
    if (wire.taken + length > (wire.border ?? wire.accepted))
      this.world.violate('a write of bytes that nobody wrote');
    else if (!isStreamAt(wire.outbound, wire.taken, bytes, offset, length)) {
      this.world.violate(`the bytes from ${wire.taken} on were lost, repeated or moved`);
    }
    if (this.wire.broken?.reason === 'reset') return this.failToWrite();
    if (this.awaitsPeer) return this.refuse('readable', length);
    if (this.room === 0) return this.refuse('writable', length);
    const count = Math.min(length, this.room, this.traits.bite);
    this.offered = 0;
    this.room -= count;
    wire.taken += count;
    wire.lastTakenAt = this.world.now();
    wire.takes.push({ at: wire.lastTakenAt, bytes: count });
    if (!wire.owes) wire.refusedAt = undefined;
    return count;
  }

  shutdownWrite(): Progress {
    const { wire } = this;
    this.begin('write');
    if (wire.taken < wire.accepted) this.world.violate('the end overtook what was written before it');
    if (wire.outEnded || wire.border !== undefined)
      this.world.violate('our side was ended twice, or too early');
    if (this.wire.broken?.reason === 'reset') return this.failToWrite();
    if (this.awaitsPeer) return this.refuse('readable', 0);
    if (this.room === 0) return this.refuse('writable', 0);
    wire.outEnded = true;
    wire.refusedAt = undefined;
    this.edges |= this.hangupBit();
    return 0;
  }

  failure(): TransportFailure {
    if (this.wire.broken !== undefined) return this.wire.broken;
    this.world.violate('asked for a failure where there was none');
    return { reason: 'error', error: new Error('none') };
  }

  release(): void {
    this.released = true;
  }

  close(): void {
    if (!this.released) this.closeForGood();
  }

  closeForGood(): void {
    if (this.closed) this.world.violate('closed twice');
    this.closed = true;
    this.world.release(this);
    this.world.released(this);
  }

  /** close(2): the transport's to call, unless there is none yet. */
  closeDescriptor(): void {
    if (this.closed) return;
    if (this.hasTransport) this.world.violate('a descriptor was closed under its transport');
    this.closed = true;
    this.world.released(this);
  }

  // ---- For the checks ----

  /** Whether the lifecycle's next step would succeed if it were tried now. */
  get couldOpen(): boolean {
    if (this.connectState !== 'done') return this.connectState === 'refused';
    const [need] = this.handshakeNeeds;
    if (this.suspension.holds) return false;
    if (need === 'answer') return this.suspension.isAnswered;
    if (need === undefined || this.wire.broken?.reason === 'reset') return true;
    return need === 'write' ? this.room > 0 : this.peerFlights > 0 || this.wire.broken !== undefined;
  }

  /** Whether the transport has nothing of its own on the wire, so that another may take over; once. */
  get isTakeable(): boolean {
    return !this.awaitsPeer && !this.owesPeer && !this.released;
  }

  get isConnecting(): boolean {
    return this.connectState === 'pending';
  }

  get couldRead(): boolean {
    if (this.wire.broken?.reason === 'reset') return this.wire.hasNews;
    return this.wire.hasNews && !(this.owesPeer && this.room === 0);
  }

  get couldWrite(): boolean {
    return this.wire.broken?.reason === 'reset' || (!this.awaitsPeer && this.room > 0);
  }

  /** Whether any call waits for the writable edge. */
  get wantsWritable(): boolean {
    return Object.values(this.wants).includes('writable') || this.connectState === 'pending';
  }

  // ---- Inside ----

  private isAlive(): boolean {
    return !this.closed && this.wire.broken === undefined && this.connectState === 'done';
  }

  private begin(side: 'handshake' | 'read' | 'write'): void {
    if (this.closed) this.world.violate(`${side} after close`);
    if (this.connectState !== 'done') this.world.violate(`${side} before the connection stands`);
    // What an upgrade finds in the queue may still leave.
    const early = side === 'read' || (side === 'write' && this.wire.border === undefined);
    if (early && (this.handshakeNeeds.length > 0 || this.wire.border !== undefined))
      this.world.violate(`${side} before the handshake`);
    this.wants[side] = 'none';
    if (side !== 'read') return;
    this.wire.readBlocked = false;
    this.wire.ranDry = false;
  }

  private readableBytes(): number {
    return (this.mark ?? this.wire.peerSent) - this.wire.read;
  }

  private readNothing(): Progress {
    this.wire.ranDry = true;
    if (this.wire.broken !== undefined) return this.fail();
    if (!this.wire.peerEnded) return this.want('read', 'readable');
    this.wire.endTold = true;
    return Status.ended;
  }

  private fail(): Progress {
    this.wire.failureTold = true;
    return Status.failed;
  }

  private failToWrite(): Progress {
    this.wire.writeFailed = true;
    return Status.failed;
  }

  private refuse(edge: 'readable' | 'writable', offered: number): Progress {
    this.offered = offered;
    this.wire.refusedAt ??= this.world.now();
    return this.want('write', edge);
  }

  private want(side: 'handshake' | 'read' | 'write', edge: 'readable' | 'writable'): Progress {
    this.wants[side] = edge;
    this.wire.readBlocked = this.wants.read === 'writable';
    if (edge === 'readable') return Status.wantsRead;
    this.starved = true;
    if (this.haste > 0) {
      this.haste -= 1;
      this.peerReads(300);
    }
    return Status.wantsWrite;
  }

  private hangupBit(): number {
    return this.wire.outEnded && this.wire.peerEnded ? Ready.hangup : 0;
  }

  /** What is ready, whether it has been reported or not. */
  private level(): number {
    const { wire } = this;
    let bits = 0;
    if (wire.read < wire.peerSent || wire.peerEnded || this.peerFlights > 0) bits |= Ready.readable;
    if (wire.peerEnded) bits |= Ready.readClosed | this.hangupBit();
    if (this.connectState !== 'pending' && this.room > 0) bits |= Ready.writable;
    if (this.connectState === 'refused') bits |= Ready.hangup | Ready.error | Ready.writable;
    else if (wire.broken?.reason === 'reset') bits |= this.traits.breakBits;
    else if (wire.broken !== undefined) bits |= Ready.readable | Ready.readClosed;
    return bits;
  }
}
