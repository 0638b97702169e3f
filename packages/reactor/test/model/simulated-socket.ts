/**
 * One edge-triggered socket with a TLS-like transport on it: either direction may ask for either edge.
 *
 * Rule: it knows no mercy. A call that the contract of `transport.ts` forbids is a violation, told at once.
 */
import { type Progress, Status, type Transport, type TransportFailure } from '../../src/transport.ts';
import { FileStretch, type ModelDisk } from './file-model.ts';
import { SimulatedLine } from './simulated-line.ts';
import { isStreamAt, streamBytes } from './streams.ts';
import { Suspension } from './suspension.ts';
import type { Need, Traits } from './traits.ts';
import type { Wire } from './wire.ts';

/** What the socket needs of the world around it. */
export interface Surroundings {
  readonly disk: ModelDisk;
  now(): number;
  violate(message: string): void;
  descriptorOf(socket: SimulatedSocket): number;
  /** The transport was closed: its descriptor is to be freed. */
  release(socket: SimulatedSocket): void;
  /** The socket is closed. */
  released(socket: SimulatedSocket): void;
}

type Want = 'none' | 'readable' | 'writable';

export class SimulatedSocket extends SimulatedLine implements Transport {
  readonly name = 'simulated';
  readonly applicationProtocol = undefined;
  drained = false;
  /** A successor has taken it over. */
  released = false;
  /** What the last call of each side asked for; `write` is the shutdown's too. */
  readonly wants: Record<'handshake' | 'read' | 'write', Want> = {
    handshake: 'none',
    read: 'none',
    write: 'none',
  };
  readonly world: Surroundings;
  /** A successor adds its own. */
  readonly handshakeNeeds: Need[];
  /** What the handshake waits for when it waits for no edge. */
  readonly suspension = new Suspension();
  private haste: number;
  /** Bytes that were offered to a write and refused. */
  private offered = 0;
  /** Sends files by itself, if it can. */
  sendFile?: Transport['sendFile'] & {};
  /** The position of a file that was refused: nothing else may follow. */
  private refusedFile: number | undefined;
  /** The last failure was the file's. */
  private blamesFile = false;

  constructor(wire: Wire, traits: Traits, world: Surroundings, connecting: boolean) {
    super(wire, traits, connecting);
    this.world = world;
    this.handshakeNeeds = [...traits.handshake];
    this.haste = traits.haste;
    if (traits.sendsFiles) this.sendFile = (file, offset, length) => this.sendStretch(file, offset, length);
  }

  get secure(): boolean {
    return this.traits.secure;
  }

  get batchHandle(): number {
    const isPlain = !this.traits.secure && this.traits.tellsDrained && !this.owesPeer && !this.awaitsPeer;
    return isPlain && !this.released && this.wire.border === undefined ? this.world.descriptorOf(this) : -1;
  }

  // ---- The transport ----

  handshake(): Progress {
    this.begin('handshake');
    // It does not look at what is behind itself.
    this.drained = false;
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
    if ((wire.endTold && !wire.mayTellEndAgain) || wire.failureTold)
      this.world.violate('read again after the end or a failure');
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
    if (this.refusedFile !== undefined) this.world.violate('something overtook a file that was refused');
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
    return this.take(count);
  }

  private sendStretch(file: number, offset: number, length: number): Progress {
    const { wire, world } = this;
    this.begin('write');
    const stretch = world.disk.stretchOf(file);
    const position = stretch.from + offset - FileStretch.OFFSET;
    if (length === 0) world.violate('a file of nothing');
    if (stretch.wire !== wire || position !== wire.taken || wire.taken + length > stretch.to)
      world.violate('another part of a file was sent than is due');
    if (wire.outEnded || wire.writeFailed || wire.border !== undefined)
      world.violate('a file after the end or a failure, or before a handshake');
    if (this.offered > 0) world.violate('a file overtook a write that was refused');
    if (wire.broken?.reason === 'reset') return this.failToWrite();
    if (this.awaitsPeer || this.room === 0) {
      this.refusedFile = position;
      return this.refuse(this.awaitsPeer ? 'readable' : 'writable', 0);
    }
    this.refusedFile = undefined;
    const count = world.disk.sendable(stretch, position, Math.min(length, this.room, this.traits.bite));
    this.blamesFile = count === Status.failed;
    return count > 0 ? this.take(count) : count;
  }

  private take(count: number): number {
    const { wire } = this;
    this.room -= count;
    wire.taken += count;
    wire.lastTakenAt = this.world.now();
    wire.takes.push({ at: wire.lastTakenAt, bytes: count });
    if (!wire.owes) wire.refusedAt = undefined;
    wire.noteDisk();
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
    if (this.blamesFile && this.wire.broken?.reason !== 'reset') {
      this.blamesFile = false;
      return { reason: 'error', error: new Error('not this file'), isFile: true };
    }
    if (this.wire.broken !== undefined) return this.wire.broken;
    this.world.violate('asked for a failure where there was none');
    return { reason: 'error', error: new Error('none') };
  }

  release(): void {
    this.released = true;
  }

  /** What was read ahead, and nobody was told of, is a successor's. */
  putBack(): void {
    const { wire } = this;
    wire.putBack += wire.read - wire.delivered;
    wire.read = wire.delivered;
    wire.failureTold = false;
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
    this.wire.mayTellEndAgain = false;
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
}
