/**
 * Everything that a schedule is played on: a real reactor over a simulated kernel, its server and its connections, and the
 * verbs that act on them.
 *
 * Rule: everything is decided by the schedule. No real timer, no random number, no order that is left to chance.
 */
import { DEFAULT_LIMITS, type Limits, type Protocol } from '../../src/index.ts';
import { timeoutsOf } from '../../src/open-deadlines.ts';
import { Reactor } from '../../src/reactor.ts';
import type { Server } from '../../src/server.ts';
import { FakeClock } from '../../src/testing/index.ts';
import { Actor, type Stage } from './actor.ts';
import { checkAtRest } from './at-rest.ts';
import { checkCounts } from './counts.ts';
import { ModelDisk } from './file-model.ts';
import type { Marks } from './marks.ts';
import { acting, type Role } from './role.ts';
import type { Schedule, Whim } from './schedule.ts';
import { type Newcomer, SimulatedKernel, SimulatedSockets } from './simulated-kernel.ts';
import type { SimulatedSocket } from './simulated-socket.ts';
import { Successor } from './successor.ts';
import type { Traits } from './traits.ts';

/** More turns without rest than any schedule needs, be it that each whim sends a file of 140,000 bytes a thousand a turn. */
const MOST_TURNS = 25_000;
/** Whims of one run; hooks that play into each other's hands would never end. */
const MOST_WHIMS = 150;
const MOST_CONNECTIONS = 5;
const NOTHING: Whim = { deeds: [], throws: false, waives: false };

export class World implements Stage {
  readonly marks: Marks;
  readonly timeouts;
  readonly limits: Limits;
  private readonly whims: readonly Whim[];
  readonly clock = new FakeClock();
  readonly sockets = new SimulatedSockets(this);
  readonly disk = new ModelDisk();
  readonly kernel = new SimulatedKernel(this.sockets, this);
  readonly reactor: Reactor;
  private readonly protocol: Protocol<Role>;
  readonly actors: Actor[] = [];
  private readonly bySocket = new Map<SimulatedSocket, Actor>();
  private readonly violations: string[] = [];
  private readonly reported: Error[] = [];
  private readonly thrown: Error[] = [];
  server: Server | undefined;
  serverState: 'accepting' | 'paused' | 'closing' = 'accepting';
  /** Ends of the server or the reactor that were asked for, and that have come. */
  endsAsked = 0;
  endsCome = 0;
  shutDown = false;
  private whimsDone = 0;
  calm = false;

  constructor(schedule: Schedule) {
    this.whims = schedule.whims;
    const limits: Limits = { ...DEFAULT_LIMITS, ...schedule.limits };
    this.marks = {
      ...limits,
      lowWaterMarkBytes: Math.min(limits.lowWaterMarkBytes, limits.highWaterMarkBytes - 1),
    };
    this.timeouts = timeoutsOf(limits);
    this.limits = limits;
    this.sockets.most = schedule.descriptors;
    this.reactor = new Reactor(
      { poller: this.kernel, sockets: this.sockets, disk: this.disk, clock: this.clock },
      { limits: schedule.limits, poisonReads: true, onError: (error) => this.reported.push(error) },
    );
    this.protocol = this.newProtocol();
  }

  // ---- What actors need ----

  newProtocol(): Protocol<Role> {
    return acting(
      () => this.calm,
      ({ transport }) =>
        this.actorOf(transport instanceof Successor ? transport.socket : (transport as SimulatedSocket)),
    );
  }

  now(): number {
    return this.clock.now();
  }

  violate(message: string): void {
    this.violations.push(message);
  }

  taken(socket: SimulatedSocket): void {
    this.actorOf(socket).model.begin();
  }

  lost(newcomer: Newcomer): void {
    if (typeof newcomer !== 'string') this.actorOf(newcomer).model.lose();
  }

  descriptorOf(socket: SimulatedSocket): number {
    return this.sockets.descriptorOf(socket);
  }

  release(socket: SimulatedSocket): void {
    this.sockets.release(socket);
  }

  released(socket: SimulatedSocket): void {
    const actor = this.actorOf(socket);
    if (actor.model.phase === 'new') actor.model.fail();
  }

  nextWhim(): Whim {
    const { whims } = this;
    if (this.calm || this.whimsDone === MOST_WHIMS) return NOTHING;
    this.whimsDone += 1;
    return whims[this.whimsDone % whims.length] ?? NOTHING;
  }

  another(self: Actor, to: number): Actor {
    return this.actors[(this.actors.indexOf(self) + to) % this.actors.length] ?? self;
  }

  threw(error: Error): void {
    this.thrown.push(error);
  }

  // ---- What can happen ----

  /** Opens the server. */
  async open(): Promise<void> {
    const transport = { name: 'simulated', accept: (fd: number) => this.sockets.socketOf(fd) };
    this.server = await this.reactor.listen({ port: 0, transport }, this.protocol);
  }

  offer(traits: Traits): void {
    if (this.actors.length < MOST_CONNECTIONS && this.listens()) this.comeTo(this.cast(traits, false).socket);
  }

  comeTo(newcomer: Newcomer): void {
    if (!this.listens()) return;
    this.sockets.waiting.push(newcomer);
    this.kernel.backlogGrew();
  }

  /** Whether the kernel lets anybody new into the backlog. */
  private listens(): boolean {
    return !this.sockets.refuses && [...this.sockets.open.values()].includes('listener');
  }

  async connect(traits: Traits): Promise<void> {
    if (this.shutDown || this.actors.length === MOST_CONNECTIONS) return;
    const actor = this.cast(traits, true);
    this.sockets.connecting = actor.socket;
    const transport = { name: 'simulated', connect: () => actor.socket };
    this.reactor.connect({ host: '127.0.0.1', port: 1, transport }, this.protocol).then(
      () => this.connectAnswered(actor, 'open'),
      () => this.connectAnswered(actor, 'failed'),
    );
    await this.microtasks();
  }

  private connectAnswered(actor: Actor, answer: 'open' | 'failed'): void {
    if (actor.connectAnswer !== undefined) this.violate('connect was answered twice');
    actor.connectAnswer = answer;
    // Without a descriptor there was never a socket.
    if (!actor.model.hasBegun) actor.model.fail();
    if (answer === 'open' && actor.conn === undefined) this.violate('connect answered before onOpen');
  }

  private cast(traits: Traits, outgoing: boolean): Actor {
    const actor = new Actor(this.actors.length, traits, this, outgoing);
    this.actors.push(actor);
    this.bySocket.set(actor.socket, actor);
    return actor;
  }

  spurious(to: number, bits: number): void {
    const registrations = [...this.kernel.registered.values()];
    const registration = registrations[to % registrations.length];
    if (registration !== undefined) this.kernel.invent([registration, bits]);
  }

  /** An event of somebody who is gone, his slot perhaps somebody else's by now: it must reach nobody. */
  stale(to: number, bits: number): void {
    const { gone } = this.kernel;
    const registration = gone[to % Math.max(gone.length, 1)];
    if (registration === undefined) return;
    const before = this.reactor.stats().staleEvents;
    this.kernel.invent([registration, bits]);
    if (this.reactor.stats().staleEvents !== before + 1) this.violate('a stale event reached somebody');
  }

  pauseServer(pauses: boolean): void {
    if (this.serverState === 'closing') return;
    this.serverState = pauses ? 'paused' : 'accepting';
    if (pauses) this.server?.pause();
    else this.server?.resume();
  }

  closeServer(deadlineMs: number): void {
    if (this.serverState === 'closing') return;
    this.serverState = 'closing';
    for (const { model, outgoing } of this.actors) if (!outgoing) model.mustGo(deadlineMs);
    this.awaitEnd(this.server?.close({ deadlineMs }));
  }

  shutdown(deadlineMs: number): void {
    if (this.shutDown) return;
    this.shutDown = true;
    this.serverState = 'closing';
    for (const { model } of this.actors) model.mustGo(deadlineMs);
    this.awaitEnd(this.reactor.shutdown({ deadlineMs }));
    for (const { model, socket } of this.actors) {
      if (!model.isOver && socket.isConnecting) this.violate('a shutdown left somebody who was connecting');
    }
  }

  private awaitEnd(end: Promise<unknown> | undefined): void {
    this.endsAsked += 1;
    void end?.then(() => {
      this.endsCome += 1;
    });
  }

  /** Time passes, tick by tick, and the kernel has its turns in between. */
  async pass(ms: number): Promise<void> {
    await this.rest();
    for (let left = ms; left > 0; left -= 50) {
      this.clock.advance(Math.min(left, 50));
      await this.microtasks();
      this.kernel.run();
    }
    await this.rest();
  }

  /** Runs the kernel until no edge is due and nobody asks for a turn, and looks at what is left. */
  async rest(): Promise<void> {
    await this.microtasks();
    // In the end the disk is as quick as everybody else.
    for (let turns = 0; this.kernel.run() || (this.calm && this.disk.answer()); turns += 1) {
      if (turns === MOST_TURNS) throw new Error('it never comes to rest');
      await this.microtasks();
    }
    checkAtRest(this.actors, this.kernel, this.sockets, this);
    checkCounts(this);
    this.judge();
  }

  /** Lets what was written between turns leave, and stops at the first violation. */
  async microtasks(): Promise<void> {
    for (let round = 0; round < 4; round += 1) await undefined;
    this.judge();
  }

  judge(): void {
    const reported = this.reported.filter((error) => (error as { code?: string }).code !== 'EMFILE');
    const unexpected = reported.find((error) => !this.thrown.includes(error));
    const [violation] = this.violations;
    if (violation !== undefined) throw new Error(violation);
    if (unexpected !== undefined) throw unexpected;
    if (reported.length !== this.thrown.length) throw new Error('what a hook threw was not reported once');
  }

  private actorOf(socket: SimulatedSocket): Actor {
    const actor = this.bySocket.get(socket);
    if (actor === undefined) throw new Error('a socket that nobody made');
    return actor;
  }
}
