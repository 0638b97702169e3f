/**
 * What an edge-triggered socket is to everybody but the transport on it: what the peer and the network do to it, and which
 * edges the kernel has to tell of. An edge is reported once for a change and then never again; a change of the interest
 * reports what is ready at that moment. Whoever loses an edge stays asleep.
 */
import { Interest, Ready } from '../../src/poller.ts';
import { type Progress, Status } from '../../src/transport.ts';
import type { Traits } from './traits.ts';
import type { Wire } from './wire.ts';

export abstract class SimulatedLine {
  closed = false;
  readonly wire: Wire;
  protected readonly traits: Traits;
  protected connectState: 'pending' | 'done' | 'refused';
  /** It is known to be connected: from now on the transport closes it. */
  protected hasTransport: boolean;
  protected peerFlights = 0;
  protected room: number;
  /** A call found no room: the next room is an edge. */
  protected starved = false;
  /** The transport has to send something of its own before it reads on (a KeyUpdate's answer). */
  protected owesPeer = false;
  /** The transport has to hear from the peer before it writes on (a renegotiation). */
  protected awaitsPeer = false;
  /** Reads stop here once: urgent data. */
  protected mark: number | undefined;
  protected edges = 0;

  constructor(wire: Wire, traits: Traits, connecting: boolean) {
    this.wire = wire;
    this.traits = traits;
    this.connectState = connecting ? 'pending' : 'done';
    this.hasTransport = !connecting;
    this.room = traits.room;
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

  // ---- Inside ----

  protected isAlive(): boolean {
    return !this.closed && this.wire.broken === undefined && this.connectState === 'done';
  }

  protected hangupBit(): number {
    return this.wire.outEnded && this.wire.peerEnded ? Ready.hangup : 0;
  }

  /** What is ready, whether it has been reported or not. */
  protected level(): number {
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
