/**
 * A kernel of {@link SimulatedSocket}s: one descriptor table, one backlog, one edge-triggered poller.
 *
 * Rule: descriptors are given out lowest first and at once, as Linux does, so that whoever mistakes one connection's
 * descriptor or slot for another's meets it.
 */
import { Status } from '@sluice/core-native';
import { Ready } from '../../src/poller.ts';
import { FakePoller, FakeSockets, type Registration } from '../../src/testing/index.ts';
import type { SimulatedSocket, Surroundings } from './simulated-socket.ts';

const FIRST_FD = 3;

/** Somebody in the backlog, or who was: an errno name is a connection that went away again. */
export type Newcomer = SimulatedSocket | 'ECONNABORTED' | 'EINTR';

interface Backlogged extends Surroundings {
  /** It was in the backlog when the listener was closed. */
  lost(newcomer: Newcomer): void;
  /** It has a descriptor from now on. */
  taken(socket: SimulatedSocket): void;
}

export class SimulatedSockets extends FakeSockets {
  /** Who waits to be accepted. */
  readonly waiting: Newcomer[] = [];
  /** The socket of the next `connect`. */
  connecting: SimulatedSocket | undefined;
  /** What is open: sockets by descriptor, the listener, and what it holds in reserve. */
  readonly open = new Map<number, SimulatedSocket | 'listener' | 'reserve'>();
  /** How many descriptors the process may have. */
  most = 1000;
  /** The listener lets nobody new in. */
  refuses = false;
  private readonly world: Backlogged;
  /** Whether the poller still knows a descriptor. */
  isRegistered: (fd: number) => boolean = () => false;

  constructor(world: Backlogged) {
    super();
    this.world = world;
  }

  override listen(): number {
    return this.take('listener');
  }

  override accept(fd?: number): number {
    if (fd === undefined || this.open.get(fd) !== 'listener') this.world.violate('accept on no listener');
    // accept4(2) takes the descriptor first.
    if (this.waiting.length > 0 && this.open.size >= this.most) return this.fail('EMFILE', 'accept4');
    const next = this.waiting.shift();
    if (next === undefined) return Status.wantsRead;
    return typeof next === 'string' ? this.fail(next, 'accept4') : this.take(next);
  }

  override reserve(): number {
    return this.open.size >= this.most ? this.fail('EMFILE', 'eventfd') : this.take('reserve');
  }

  override refuseNew(): number {
    this.refuses = true;
    return 0;
  }

  override connect(): number {
    const socket = this.connecting;
    this.connecting = undefined;
    if (socket === undefined) throw new Error('nobody was to connect');
    if (this.open.size >= this.most) return this.fail('EMFILE', 'socket');
    return this.take(socket);
  }

  override connectResult(fd?: number): number {
    const result = this.socketOf(fd ?? -1).connectResult();
    return result === Status.failed ? this.fail('ECONNREFUSED', 'connect') : result;
  }

  override recv(fd: number, buffer: Uint8Array, offset: number, length: number): number {
    return this.socketOf(fd).read(buffer.subarray(offset, offset + length));
  }

  override send(fd: number, buffer: Uint8Array, offset: number, length: number): number {
    return this.socketOf(fd).write(buffer, offset, length);
  }

  override close(fd: number): void {
    if (this.isRegistered(fd))
      this.world.violate('a descriptor was closed before the poller had forgotten it');
    const what = this.open.get(fd);
    // Who waits in the backlog of a listener that is closed is reset.
    if (what === 'listener') for (const socket of this.waiting.splice(0)) this.world.lost(socket);
    else if (what !== undefined && what !== 'reserve') what.closeDescriptor();
    if (!this.open.delete(fd)) this.world.violate('a descriptor was closed twice');
  }

  socketOf(fd: number): SimulatedSocket {
    const socket = this.open.get(fd);
    if (socket === undefined || typeof socket === 'string')
      throw new Error(`descriptor ${fd} is no connection`);
    return socket;
  }

  descriptorOf(socket: SimulatedSocket): number {
    for (const [fd, other] of this.open) if (other === socket) return fd;
    return -1;
  }

  /** Closes the descriptor of a socket whose transport was closed. */
  release(socket: SimulatedSocket): void {
    for (const [fd, other] of this.open) if (other === socket) return this.close(fd);
  }

  private take(what: SimulatedSocket | 'listener' | 'reserve'): number {
    let fd = FIRST_FD;
    while (this.open.has(fd)) fd += 1;
    this.open.set(fd, what);
    if (typeof what !== 'string') this.world.taken(what);
    return fd;
  }
}

export class SimulatedKernel extends FakePoller {
  /** Registrations that were removed: what a stale event is made of. */
  readonly gone: Registration[] = [];
  private readonly sockets: SimulatedSockets;
  private readonly world: Surroundings;
  private backlogEdge = false;
  /** Slots given up in the batch that is being dispatched. */
  private givenUp: Set<number> | undefined;

  constructor(sockets: SimulatedSockets, world: Surroundings) {
    super();
    this.sockets = sockets;
    this.world = world;
    sockets.isRegistered = (fd) => this.registered.has(fd);
  }

  /** Somebody came into the backlog. */
  backlogGrew(): void {
    this.backlogEdge = true;
  }

  override add(fd: number, slot: number, generation: number, interest: number): void {
    if (this.givenUp?.has(slot)) this.world.violate('a slot was given away in the batch that freed it');
    super.add(fd, slot, generation, interest);
    this.rearm(fd, interest);
  }

  override modify(fd: number, slot: number, generation: number, interest: number): void {
    super.modify(fd, slot, generation, interest);
    this.rearm(fd, interest);
  }

  override remove(fd: number): void {
    const registration = this.registered.get(fd);
    super.remove(fd);
    if (registration === undefined) return;
    this.gone.push(registration);
    this.givenUp?.add(registration.slot);
  }

  /** One turn with at most `most` of the events that are due; false when there are none and nobody asked for a turn. */
  run(most = 60): boolean {
    const due: [number, number][] = [];
    for (const [fd, { interest }] of this.registered) {
      if (due.length === most) break;
      const bits = this.takeEdges(fd, interest);
      if (bits !== 0) due.push([fd, bits]);
    }
    if (due.length === 0) return this.inBatch(() => this.turn());
    return this.inBatch(() => {
      this.fire(...due);
      return true;
    });
  }

  /** One turn with events as given, due or not. */
  invent(...events: readonly (readonly [Registration, number])[]): void {
    this.inBatch(() => this.fireRegistrations(...events));
  }

  private inBatch<T>(turn: () => T): T {
    this.givenUp = new Set();
    try {
      return turn();
    } finally {
      this.givenUp = undefined;
    }
  }

  private takeEdges(fd: number, interest: number): number {
    const what = this.sockets.open.get(fd);
    if (what === 'reserve') return 0;
    if (what !== 'listener') return what?.takeEdges(interest) ?? 0;
    const due = this.backlogEdge;
    this.backlogEdge = false;
    return due ? Ready.readable : 0;
  }

  private rearm(fd: number, interest: number): void {
    const what = this.sockets.open.get(fd);
    if (what === 'listener') this.backlogEdge = this.sockets.waiting.length > 0;
    else if (what !== 'reserve') what?.rearm(interest);
  }
}
