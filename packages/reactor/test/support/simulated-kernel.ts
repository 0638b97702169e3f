import { Interest, Ready } from '@sluice/core-native';
import { FakePoller } from '../../src/testing/index.ts';
import { type Progress, Status, type Transport, type TransportFailure } from '../../src/transport.ts';

/**
 * One edge-triggered socket with a TLS-like transport on it, as a kernel would run them: an edge is reported once for a
 * change and then never again, a change of the interest reports what is ready at that moment, and either direction may
 * ask for either edge. Whoever loses an edge stays asleep.
 */
export class SimulatedSocket implements Transport {
  readonly name = 'simulated';
  readonly secure = false;
  readonly applicationProtocol = undefined;
  drained = false;
  closed = false;
  /** What the peer has got. */
  readonly sent: Buffer[] = [];
  /** The peer has seen our end. */
  outEnded = false;
  private inbound = Buffer.alloc(0);
  private inEnded = false;
  /** Room in the send buffer. */
  private room: number;
  /** A send found no room: the next room is an edge. */
  private starved = false;
  /** The transport has to send something of its own before it reads on (a KeyUpdate's answer). */
  private owesPeer = false;
  /** The transport has to hear from the peer before it writes on (a renegotiation). */
  private awaitsPeer = false;
  private pinned: Buffer | undefined;
  private edges = 0;
  private readonly tellsDrained: boolean;

  constructor(room: number, tellsDrained: boolean) {
    this.room = room;
    this.tellsDrained = tellsDrained;
  }

  // ---- The peer ----

  peerSends(bytes: Buffer): void {
    this.inbound = Buffer.concat([this.inbound, bytes]);
    this.edges |= Ready.readable;
  }

  peerEnds(): void {
    this.inEnded = true;
    this.edges |= Ready.readable | Ready.readClosed;
  }

  peerReads(count: number): void {
    this.room += count;
    if (!this.starved || count === 0) return;
    this.starved = false;
    this.edges |= Ready.writable;
  }

  /** From now on a read first wants to write, until there is room. */
  peerDemandsAnswer(): void {
    this.owesPeer = true;
    this.edges |= Ready.readable;
  }

  /** From now on a write wants to read, until {@link peerAnswers}. */
  demandAnswer(): void {
    this.awaitsPeer = true;
  }

  peerAnswers(): void {
    this.awaitsPeer = false;
    this.edges |= Ready.readable;
  }

  // ---- The kernel ----

  /** The edges that are due under `interest`; they are due no longer. */
  takeEdges(interest: number): number {
    const due = this.edges & ((interest & Interest.writable) === 0 ? ~Ready.writable : ~0);
    this.edges = 0;
    return due;
  }

  /** EPOLL_CTL_MOD polls anew: what is ready now is an edge. */
  rearm(interest: number): void {
    if (this.inbound.length > 0 || this.inEnded) this.edges |= Ready.readable;
    if ((interest & Interest.writable) !== 0 && this.room > 0) this.edges |= Ready.writable;
  }

  // ---- The transport ----

  handshake(): Progress {
    return 0;
  }

  read(buffer: Uint8Array): Progress {
    if (this.owesPeer) {
      if (this.room === 0) return this.starve();
      this.owesPeer = false;
    }
    if (this.inbound.length === 0) return this.inEnded ? Status.ended : Status.wantsRead;
    const count = this.inbound.copy(buffer);
    this.inbound = this.inbound.subarray(count);
    this.drained = this.tellsDrained && count < buffer.length;
    return count;
  }

  write(bytes: Uint8Array, offset: number, length: number): Progress {
    const offered = Buffer.from(bytes.subarray(offset, offset + length));
    if (this.pinned !== undefined && !offered.subarray(0, this.pinned.length).equals(this.pinned)) {
      throw new Error('bad write retry');
    }
    this.pinned = offered;
    if (this.awaitsPeer) return Status.wantsRead;
    if (this.room === 0) return this.starve();
    this.pinned = undefined;
    const count = Math.min(length, this.room, 1000);
    this.room -= count;
    this.sent.push(offered.subarray(0, count));
    return count;
  }

  shutdownWrite(): Progress {
    if (this.pinned !== undefined) throw new Error('the end overtook a blocked write');
    if (this.awaitsPeer) return Status.wantsRead;
    if (this.room === 0) return this.starve();
    this.outEnded = true;
    return 0;
  }

  failure(): TransportFailure {
    return { reason: 'error', error: new Error('nothing fails here') };
  }

  close(): void {
    this.closed = true;
  }

  private starve(): Progress {
    this.starved = true;
    return Status.wantsWrite;
  }
}

/** A poller over {@link SimulatedSocket}s. */
export class SimulatedKernel extends FakePoller {
  readonly sockets = new Map<number, SimulatedSocket>();

  override modify(fd: number, slot: number, generation: number, interest: number): void {
    super.modify(fd, slot, generation, interest);
    this.sockets.get(fd)?.rearm(interest);
  }

  /** One turn with every edge that is due; false when there is none and nobody asked for a turn. */
  run(): boolean {
    const due: [number, number][] = [];
    for (const [fd, { interest }] of this.registered) {
      const edges = this.sockets.get(fd)?.takeEdges(interest) ?? 0;
      if (edges !== 0) due.push([fd, edges]);
    }
    if (due.length === 0) return this.turn();
    this.fire(...due);
    return true;
  }
}
