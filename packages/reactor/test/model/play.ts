/**
 * Plays one schedule on a real reactor over a simulated kernel, and stops at the first violation.
 *
 * Rule: everything is decided by the schedule. No real timer, no random number, no order that is left to chance.
 */
import { DEFAULT_LIMITS, type Limits } from '../../src/index.ts';
import { Reactor } from '../../src/reactor.ts';
import type { Server } from '../../src/server.ts';
import { FakeClock } from '../../src/testing/index.ts';
import { Actor, acting, type Stage } from './actor.ts';
import { checkAtRest } from './at-rest.ts';
import type { Marks } from './connection-model.ts';
import type { Ending, Schedule, Step, Whim } from './schedule.ts';
import { SimulatedKernel, SimulatedSockets } from './simulated-kernel.ts';
import type { SimulatedSocket, Traits } from './simulated-socket.ts';

/** More turns without rest than any schedule needs: somebody spins. */
const MOST_TURNS = 3_000;
/** Whims of one run; hooks that play into each other's hands would never end. */
const MOST_WHIMS = 150;
const MOST_CONNECTIONS = 5;
const NOTHING: Whim = { deeds: [], throws: false, waives: false };
/** Longer than any deadline of a schedule that is to end in silence. */
const SILENCE_MS = 30_000;

export class Play implements Stage {
  readonly marks: Marks;
  readonly timeouts;
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
  private leaving: Promise<unknown> | undefined;
  private left = false;
  private whimsDone = 0;
  private calm = false;

  constructor(schedule: Schedule) {
    this.schedule = schedule;
    const limits: Limits = { ...DEFAULT_LIMITS, ...schedule.limits };
    this.marks = {
      ...limits,
      lowWaterMarkBytes: Math.min(limits.lowWaterMarkBytes, limits.highWaterMarkBytes - 1),
    };
    this.timeouts = {
      firstByteMs: limits.firstByteTimeoutMs,
      idleMs: limits.idleTimeoutMs,
      writeStallMs: limits.writeStallTimeoutMs,
    };
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
        this.sockets.waiting.push('ECONNABORTED');
        this.kernel.backlogGrew();
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
        this.closeServer();
        break;
      case 'shutdown':
        this.shutdown();
    }
    await this.microtasks();
  }

  private offer(traits: Traits): void {
    if (this.server === undefined || this.actors.length === MOST_CONNECTIONS) return;
    this.sockets.waiting.push(this.cast(traits, false).socket);
    this.kernel.backlogGrew();
  }

  private async connect(traits: Traits): Promise<void> {
    if (this.leaving !== undefined || this.actors.length === MOST_CONNECTIONS) return;
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

  private closeServer(): void {
    this.server?.close();
    this.server = undefined;
    // The kernel resets who waits in the backlog of a listener that is closed.
    for (const socket of this.sockets.waiting.splice(0)) {
      if (typeof socket !== 'string') this.actorOf(socket).model.fail();
    }
  }

  private shutdown(): void {
    if (this.leaving !== undefined) return;
    this.leaving = this.reactor.shutdown({ deadlineMs: 60_000 }).then(() => {
      this.left = true;
    });
    this.closeServer();
    for (const { model } of this.actors) {
      if (model.phase === 'new') this.violate('a shutdown left somebody in the handshake');
    }
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
    const unexpected = this.reported.find((error) => !this.thrown.includes(error));
    const [violation] = this.violations;
    if (violation !== undefined) throw new Error(violation);
    if (unexpected !== undefined) throw unexpected;
    if (this.reported.length !== this.thrown.length)
      throw new Error('what a hook threw was not reported once');
  }

  private checkCounts(): void {
    const live = this.actors.filter(
      ({ model, socket }) => !model.isOver && !this.sockets.waiting.includes(socket),
    );
    const { connections } = this.reactor.stats();
    const accepted = live.filter(({ outgoing }) => !outgoing);
    if (this.server !== undefined && this.server.connections !== accepted.length) {
      this.violate(`the server counts ${this.server.connections} connections, not ${accepted.length}`);
    }
    if (connections !== live.length)
      this.violate(`${connections} slots are held by ${live.length} connections`);
  }

  // ---- The end ----

  private async finish(ending: Ending): Promise<void> {
    this.calm = true;
    for (let round = 0; round < 4; round += 1) {
      for (const actor of this.actors) if (!actor.model.isOver) this.bringToEnd(actor, ending);
      if (ending === 'shutdown') this.shutdown();
      await (ending === 'silence' || ending === 'shutdown' ? this.pass(SILENCE_MS) : this.rest());
    }
    for (const { model, wire } of this.actors) {
      if (!model.isOver) this.violate(`connection ${wire.id} is ${model.phase} after the end: ${ending}`);
    }
    this.judge();
    if (this.leaving === undefined) this.closeServer();
    await this.microtasks();
    if (this.leaving !== undefined && !this.left) this.violate('shutdown has not ended');
    this.checkNothingIsLeft();
    this.judge();
  }

  private bringToEnd(actor: Actor, ending: Ending): void {
    if (ending === 'shutdown') {
      // Who heard of the shutdown before, and made nothing of it, is to leave now.
      if (this.leaving !== undefined) actor.apply({ verb: 'close', deadlineMs: 700 });
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
