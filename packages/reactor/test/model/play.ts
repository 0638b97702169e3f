/**
 * Plays one schedule on a real reactor over a simulated kernel, and stops at the first violation.
 *
 * Rule: everything is decided by the schedule. No real timer, no random number, no order that is left to chance.
 */
import { DEFAULT_LIMITS, type Limits } from '../../src/index.ts';
import { timeoutsOf } from '../../src/open-deadlines.ts';
import { Reactor } from '../../src/reactor.ts';
import type { Server } from '../../src/server.ts';
import { FakeClock } from '../../src/testing/index.ts';
import { Actor, acting, type Stage } from './actor.ts';
import { checkAtRest } from './at-rest.ts';
import type { Marks } from './connection-model.ts';
import type { Ending, Schedule, Step, Whim } from './schedule.ts';
import { type Newcomer, SimulatedKernel, SimulatedSockets } from './simulated-kernel.ts';
import type { SimulatedSocket, Traits } from './simulated-socket.ts';

/** More turns without rest than any schedule needs: somebody spins. */
const MOST_TURNS = 3_000;
/** Whims of one run; hooks that play into each other's hands would never end. */
const MOST_WHIMS = 150;
const MOST_CONNECTIONS = 5;
/** Everybody once, three steps of a handshake, and those who had to wait outside for a place. */
const MOST_ROUNDS = 30;
const NOTHING: Whim = { deeds: [], throws: false, waives: false };
/** Longer than any deadline of a schedule that is to end in silence. */
const SILENCE_MS = 30_000;

export class Play implements Stage {
  readonly marks: Marks;
  readonly timeouts;
  private readonly limits: Limits;
  private readonly schedule: Schedule;
  private readonly clock = new FakeClock();
  private readonly sockets = new SimulatedSockets(this);
  private readonly kernel = new SimulatedKernel(this.sockets, this);
  private readonly reactor: Reactor;
  private readonly protocol;
  private readonly actors: Actor[] = [];
  private readonly bySocket = new Map<SimulatedSocket, Actor>();
  private readonly violations: string[] = [];
  private readonly reported: Error[] = [];
  private readonly thrown: Error[] = [];
  private server: Server | undefined;
  private serverState: 'accepting' | 'paused' | 'closing' = 'accepting';
  /** Ends of the server or the reactor that were asked for, and that have come. */
  private endsAsked = 0;
  private endsCome = 0;
  private shutDown = false;
  private whimsDone = 0;
  private calm = false;

  constructor(schedule: Schedule) {
    this.schedule = schedule;
    const limits: Limits = { ...DEFAULT_LIMITS, ...schedule.limits };
    this.marks = {
      ...limits,
      lowWaterMarkBytes: Math.min(limits.lowWaterMarkBytes, limits.highWaterMarkBytes - 1),
    };
    this.timeouts = timeoutsOf(limits);
    this.limits = limits;
    this.sockets.most = schedule.descriptors;
    this.reactor = new Reactor(
      { poller: this.kernel, sockets: this.sockets, clock: this.clock },
      { limits: schedule.limits, poisonReads: true, onError: (error) => this.reported.push(error) },
    );
    this.protocol = acting(
      () => this.calm,
      (conn) => this.actorOf(conn.transport as SimulatedSocket),
    );
  }

  /** From the first connection to the last descriptor. */
  async run(): Promise<void> {
    this.server = await this.reactor.listen(
      {
        port: 0,
        transport: { name: 'simulated', accept: (fd) => this.sockets.socketOf(fd) },
      },
      this.protocol,
    );
    this.offer(this.schedule.first);
    await this.rest();
    for (const step of this.schedule.steps) await this.take(step);
    await this.rest();
    await this.finish(this.schedule.ending);
  }

  // ---- What actors need ----

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

  release(socket: SimulatedSocket): void {
    this.sockets.release(socket);
    const actor = this.actorOf(socket);
    if (actor.model.phase === 'new') actor.model.fail();
  }

  nextWhim(): Whim {
    const { whims } = this.schedule;
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

  // ---- Steps ----

  private async take(step: Step): Promise<void> {
    switch (step.step) {
      case 'accept':
        this.offer(step.traits);
        break;
      case 'connect':
        await this.connect(step.traits);
        break;
      case 'aborted accept':
        this.comeTo('ECONNABORTED');
        break;
      case 'pause server':
      case 'resume server':
        this.pauseServer(step.step === 'pause server');
        break;
      case 'deed':
        this.actors[step.deed.to % this.actors.length]?.apply(step.deed.what);
        break;
      case 'kernel':
        this.kernel.run(step.most);
        break;
      case 'rest':
        return this.rest();
      case 'time':
        return this.pass(step.ms);
      case 'spurious':
        this.spurious(step.to, step.bits);
        break;
      case 'stale':
        this.stale(step.to, step.bits);
        break;
      case 'close server':
        this.closeServer(step.deadlineMs);
        break;
      case 'shutdown':
        this.shutdown(step.deadlineMs);
    }
    await this.microtasks();
  }

  private offer(traits: Traits): void {
    if (this.actors.length < MOST_CONNECTIONS && this.listens()) this.comeTo(this.cast(traits, false).socket);
  }

  private comeTo(newcomer: Newcomer): void {
    if (!this.listens()) return;
    this.sockets.waiting.push(newcomer);
    this.kernel.backlogGrew();
  }

  /** Whether the kernel lets anybody new into the backlog. */
  private listens(): boolean {
    return !this.sockets.refuses && [...this.sockets.open.values()].includes('listener');
  }

  private async connect(traits: Traits): Promise<void> {
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

  private spurious(to: number, bits: number): void {
    const registrations = [...this.kernel.registered.values()];
    const registration = registrations[to % registrations.length];
    if (registration !== undefined) this.kernel.invent([registration, bits]);
  }

  /** An event of somebody who is gone, his slot perhaps somebody else's by now: it must reach nobody. */
  private stale(to: number, bits: number): void {
    const { gone } = this.kernel;
    const registration = gone[to % Math.max(gone.length, 1)];
    if (registration === undefined) return;
    const before = this.reactor.stats().staleEvents;
    this.kernel.invent([registration, bits]);
    if (this.reactor.stats().staleEvents !== before + 1) this.violate('a stale event reached somebody');
  }

  private pauseServer(pauses: boolean): void {
    if (this.serverState === 'closing') return;
    this.serverState = pauses ? 'paused' : 'accepting';
    if (pauses) this.server?.pause();
    else this.server?.resume();
  }

  private closeServer(deadlineMs: number): void {
    if (this.serverState === 'closing') return;
    this.serverState = 'closing';
    for (const { model, outgoing } of this.actors) if (!outgoing) model.mustGo(deadlineMs);
    this.awaitEnd(this.server?.close({ deadlineMs }));
  }

  private shutdown(deadlineMs: number): void {
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
  private async pass(ms: number): Promise<void> {
    await this.rest();
    for (let left = ms; left > 0; left -= 50) {
      this.clock.advance(Math.min(left, 50));
      await this.microtasks();
      this.kernel.run();
    }
    await this.rest();
  }

  /** Runs the kernel until no edge is due and nobody asks for a turn, and looks at what is left. */
  private async rest(): Promise<void> {
    await this.microtasks();
    for (let turns = 0; this.kernel.run(); turns += 1) {
      if (turns === MOST_TURNS) throw new Error('it never comes to rest');
      await this.microtasks();
    }
    checkAtRest(this.actors, this.kernel, this.sockets, this);
    this.checkCounts();
    this.judge();
  }

  /** Lets what was written between turns leave, and stops at the first violation. */
  private async microtasks(): Promise<void> {
    for (let round = 0; round < 4; round += 1) await undefined;
    this.judge();
  }

  private judge(): void {
    const reported = this.reported.filter((error) => (error as { code?: string }).code !== 'EMFILE');
    const unexpected = reported.find((error) => !this.thrown.includes(error));
    const [violation] = this.violations;
    if (violation !== undefined) throw new Error(violation);
    if (unexpected !== undefined) throw unexpected;
    if (reported.length !== this.thrown.length) throw new Error('what a hook threw was not reported once');
  }

  private checkCounts(): void {
    const live = this.actors.filter(({ model }) => !model.isOver && model.hasBegun);
    const accepted = live.filter(({ outgoing }) => !outgoing);
    const { connections, queuedBytes, bytesReceived, bytesSent } = this.reactor.stats();
    const sum = (of: (actor: Actor) => number) => this.actors.reduce((total, actor) => total + of(actor), 0);
    const queued = sum(({ model, wire }) => (model.isOver ? 0 : wire.queued));
    if (queuedBytes !== queued) this.violate(`${queuedBytes} queued bytes are counted, not ${queued}`);
    if (bytesReceived !== sum(({ wire }) => wire.read)) this.violate('bytesReceived is wrong');
    if (bytesSent !== sum(({ wire }) => wire.taken)) this.violate('bytesSent is wrong');
    if (connections !== live.length)
      this.violate(`${connections} connections are counted, not ${live.length}`);
    if (this.server?.connections !== accepted.length) {
      this.violate(`the server counts ${this.server?.connections} connections, not ${accepted.length}`);
    }
    if (this.sockets.waiting.length > 0 && this.mayAccept(accepted)) {
      this.violate('somebody waits in the backlog and there is room (lost edge)');
    }
  }

  private mayAccept(accepted: readonly Actor[]): boolean {
    const { maxConnections, maxHandshakes } = this.limits;
    const handshakes = accepted.filter(({ model }) => model.phase === 'new').length;
    if (this.serverState === 'paused' || handshakes >= maxHandshakes) return false;
    if (maxConnections > 0 && accepted.length >= maxConnections) return false;
    const what = [...this.sockets.open.values()];
    return what.includes('reserve') || what.length < this.sockets.most;
  }

  // ---- The end ----

  private async finish(ending: Ending): Promise<void> {
    this.calm = true;
    this.pauseServer(false);
    for (let round = 0; round < MOST_ROUNDS && this.actors.some(({ model }) => !model.isOver); round += 1) {
      for (const actor of this.actors) if (!actor.model.isOver) this.bringToEnd(actor, ending);
      if (ending === 'shutdown') this.shutdown(SILENCE_MS);
      await (ending === 'silence' || ending === 'shutdown' ? this.pass(SILENCE_MS) : this.rest());
    }
    for (const { model, wire } of this.actors) {
      if (!model.isOver) this.violate(`connection ${wire.id} is ${model.phase} after the end: ${ending}`);
    }
    this.judge();
    this.closeServer(SILENCE_MS);
    await this.pass(200);
    if (this.endsCome !== this.endsAsked) this.violate('a shutdown has not ended although nobody is left');
    this.checkNothingIsLeft();
    this.judge();
  }

  private bringToEnd(actor: Actor, ending: Ending): void {
    if (ending === 'shutdown') {
      // Who heard of the shutdown before, and made nothing of it, is to leave now.
      if (this.shutDown) actor.apply({ verb: 'close', deadlineMs: 700 });
      return;
    }
    if (ending === 'resets') {
      actor.apply({ peer: 'refuses' });
      actor.apply({ peer: 'connects' });
      actor.apply({ peer: 'resets' });
      actor.apply({ verb: 'resume' });
      actor.apply({ verb: 'end', bytes: 0 });
    } else if (ending === 'destroys') {
      actor.apply({ verb: 'destroy', withError: false });
      if (actor.conn === undefined) this.bringToEnd(actor, 'resets');
    } else if (ending === 'silence') {
      actor.apply({ verb: 'timeouts', name: 'idleMs', ms: 900 });
    } else {
      for (const peer of ['connects', 'flight', 'answers', 'ends'] as const) actor.apply({ peer });
      actor.apply({ peer: 'reads', bytes: 10_000_000 });
      actor.apply({ verb: 'resume' });
      actor.apply({ verb: 'end', bytes: 0 });
    }
  }

  private checkNothingIsLeft(): void {
    if (this.kernel.registered.size > 0)
      this.violate(`${this.kernel.registered.size} registrations are left`);
    if (this.sockets.open.size > 0) this.violate(`${this.sockets.open.size} descriptors are left`);
    if (this.clock.pending > 0) this.violate('a timer runs although nobody is left');
    for (const { outgoing, connectAnswer } of this.actors) {
      if (outgoing && connectAnswer === undefined) this.violate('connect was never answered');
    }
  }

  private actorOf(socket: SimulatedSocket): Actor {
    const actor = this.bySocket.get(socket);
    if (actor === undefined) throw new Error('a socket that nobody made');
    return actor;
  }
}
