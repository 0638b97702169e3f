/**
 * Plays one schedule on a real reactor over real sockets, from the first connection to the last descriptor, and stops at
 * the first violation.
 *
 * Rule: nothing is decided by time. Where bytes have still to come the poller waits for them; the limit of that is one
 * that only a lost edge reaches.
 */
import { loadNative } from '@sluice/core-native';
import type { ClientTransport, Connection, Server, ServerTransport } from '@sluice/reactor';
import { FakeClock, FakeDisk, Reactor } from '@sluice/reactor/testing';
import type { Doing, Schedule } from './schedule.ts';
import { Side, type Stage } from './side.ts';
import { SteppedPoller } from './stepped-poller.ts';

/** The two ends' TLS, for one version and two kinds of BIO. */
export interface Transports {
  readonly server: ServerTransport;
  readonly client: ClientTransport;
}

/** More turns without rest than any schedule needs: somebody spins. */
const MOST_TURNS = 20_000;
/** Whims of one run; hooks that play into each other's hands would never end. */
const MOST_WHIMS = 60;
/** Only a lost edge takes so long. */
const LOST_MS = 1_000;
const NO_BYTES = new Uint8Array(0);
const native = loadNative();
let runs = 0;

export class Play implements Stage {
  disturbed = false;
  readonly wasEarly: [boolean, boolean] = [false, false];
  readonly seal: Stage['seal'];
  private readonly schedule: Schedule;
  private readonly transports: Transports;
  private readonly poller: SteppedPoller;
  private readonly clock = new FakeClock();
  private readonly reactor: Reactor;
  private readonly sides: readonly [Side, Side];
  private readonly descriptors = new Map<Side, number>();
  private readonly violations: string[] = [];
  readonly takesKeyUpdates: boolean;
  private whims = 0;
  private calm = false;

  constructor(schedule: Schedule, transports: Transports) {
    this.schedule = schedule;
    this.takesKeyUpdates = !schedule.bios.includes('socket');
    this.transports = transports;
    this.poller = new SteppedPoller(schedule.batchEvents);
    const off = { firstByteTimeoutMs: 0, idleTimeoutMs: 0, writeStallTimeoutMs: 0, minSendBytesPerSecond: 0 };
    this.reactor = new Reactor(
      { poller: this.poller, sockets: native, disk: new FakeDisk(), clock: this.clock },
      {
        limits: { ...schedule.limits, ...off },
        poisonReads: true,
        onError: (error) => this.violate(`reported: ${error.stack}`),
      },
    );
    this.sides = [new Side(0, this), new Side(1, this)];
    this.sides[0].other = this.sides[1];
    this.sides[1].other = this.sides[0];
    this.seal = schedule.begin === 'plain' ? (side, conn) => this.upgrade(side, conn) : undefined;
  }

  async run(): Promise<void> {
    const before = native.liveObjects();
    await this.open();
    for (const step of this.schedule.steps) {
      if (step.step === 'deed') this.sides[step.doing.by === 0 ? 0 : 1].do(step.doing.deed);
      else if (step.step === 'turn') this.poller.turn();
      else await this.rest();
      await this.microtasks();
    }
    await this.rest();
    await this.finish();
    const { tlsSessions, descriptors } = native.liveObjects();
    if (descriptors !== before.descriptors) this.violate('a descriptor is left');
    if (tlsSessions !== before.tlsSessions) this.violate('a session is left');
    this.judgeEarly();
    this.judgeRun();
  }

  /** A server takes early data at once, or not at all. */
  private judgeEarly(): void {
    const { early } = this.schedule;
    const [server, client] = this.wasEarly;
    const isOpen = this.sides[1].phase !== 'new' && this.sides[1].handed > 0;
    if (early === 'none' && (server || client)) this.violate('early data that nobody asked for');
    if (early === 'refused' && server) this.violate('early data of a session that the server does not have');
    if (early === 'taken' && isOpen && !client) this.violate('no early data was offered');
  }

  // ---- What sides need -------------------------------------------------------------------------------------------

  nextWhim(): readonly Doing[] {
    const { whims } = this.schedule;
    if (this.calm || this.whims === MOST_WHIMS) return [];
    this.whims += 1;
    return whims[this.whims % whims.length] ?? [];
  }

  violate(message: string): void {
    this.violations.push(message);
  }

  cut(side: Side): void {
    const fd = this.descriptors.get(side);
    if (fd !== undefined) native.shutdownWrite(fd);
  }

  breakOff(side: Side): void {
    const fd = this.descriptors.get(side);
    // socket(7): linger 0 sends RST instead of FIN.
    if (fd !== undefined) native.setOption(fd, 'lingerSeconds', 0);
  }

  // ---- The run ---------------------------------------------------------------------------------------------------

  private async open(): Promise<void> {
    const { begin, sockets, wire } = this.schedule;
    const [server, client] = this.sides;
    const sealed = begin === 'sealed';
    runs += 1;
    const path = `\0sluice-tls-model-${process.pid}-${runs}`;
    const options = (at: 0 | 1) => ({
      ...(sockets[at].sendBufferBytes !== undefined && { sendBufferBytes: sockets[at].sendBufferBytes }),
    });
    const accepting = {
      ...(sealed && { transport: this.watched(this.transports.server, server) }),
      onConnectionError: (error: Error) => server.failed(error),
      ...options(0),
    };
    const listening: Server = await (wire === 'unix'
      ? this.reactor.listen({ path, ...accepting }, server)
      : this.reactor.listen({ host: '127.0.0.1', port: 0, ...accepting }, server));
    const connecting = {
      ...(sealed && { transport: this.watched(this.transports.client, client) }),
      ...options(1),
    };
    const connected =
      wire === 'unix'
        ? this.reactor.connect({ path, ...connecting }, client)
        : this.reactor.connect(
            { host: '127.0.0.1', port: listening.address()?.port ?? 0, ...connecting },
            client,
          );
    connected.then(
      (conn) => conn === client.conn || this.violate('connect answered another connection'),
      (error: Error) => client.failed(error),
    );
    await this.microtasks();
  }

  /** The same transport, and its descriptor noted. */
  private watched<T extends ServerTransport | ClientTransport>(transport: T, side: Side): T {
    const noted = <R>(fd: number, make: () => R): R => {
      this.descriptors.set(side, fd);
      return make();
    };
    if ('accept' in transport) {
      const accept: ServerTransport['accept'] = (fd, head) => noted(fd, () => transport.accept(fd, head));
      return { ...transport, accept };
    }
    const connect: ClientTransport['connect'] = (fd, host, head) =>
      noted(fd, () => transport.connect(fd, host, head));
    return { ...transport, connect };
  }

  private upgrade(side: Side, conn: Connection): void {
    const { server, client } = this.transports;
    const next = this.watched<ServerTransport | ClientTransport>(side.id === 0 ? server : client, side);
    conn.upgrade(next, { head: NO_BYTES, ...(side.id === 1 && { host: 'localhost' }) });
  }

  /** Runs the loop until nothing is ready; where bytes have still to come, until they have. */
  private async rest(): Promise<void> {
    for (let turns = 0; this.poller.turn() || this.waits(); turns += 1) {
      if (turns === MOST_TURNS) this.violate('it never comes to rest');
      await this.microtasks();
    }
    const isIdle = this.sides.every(({ paused, conn }) => !paused && conn?.queuedBytes === 0);
    if (isIdle) for (const side of this.sides) side.isAnswerDue = false;
  }

  /** Whether something has still to come and came: a turn was made of it. */
  private waits(): boolean {
    const owed = this.sides.map((side) => owes(side, this.disturbed)).find((what) => what !== undefined);
    if (owed === undefined) return false;
    if (!this.poller.turn(LOST_MS)) this.violate(`${owed} (lost edge)`);
    return true;
  }

  private async finish(): Promise<void> {
    this.calm = true;
    const [server, client] = this.sides;
    const { ending } = this.schedule;
    if (ending === 'server goes') server.do({ do: 'destroy', withError: false });
    if (ending === 'client goes') client.do({ do: 'destroy', withError: false });
    for (let turns = 0; this.sides.some(({ phase }) => phase !== 'closed'); turns += 1) {
      for (const side of this.sides) {
        if (side.paused) side.do({ do: 'resume' });
        if (!side.endAsked) side.do({ do: 'end', bytes: 0 });
      }
      await this.microtasks();
      const over = this.sides.every(({ phase }) => phase === 'closed');
      if (over || this.neverOpened()) break;
      if (turns === MOST_TURNS) this.violate('it never ends');
      if (!this.poller.turn(LOST_MS)) this.violate(`at the end: ${this.states()} (lost edge)`);
    }
    await this.shutDown();
  }

  /** The client was gone before the server had accepted it, and the kernel has told nobody. */
  private neverOpened(): boolean {
    const [server, client] = this.sides;
    return server.phase === 'new' && client.phase === 'closed' && this.poller.registered === 1;
  }

  private async shutDown(): Promise<void> {
    let isDown = false;
    void this.reactor.shutdown({ deadlineMs: 0 }).then(() => {
      isDown = true;
    });
    for (let round = 0; !isDown; round += 1) {
      if (round === 100) this.violate(`it does not shut down: ${this.states()}`);
      this.clock.advance(50);
      this.poller.turn();
      await this.microtasks();
    }
    if (this.poller.registered !== 0) this.violate('a registration is left');
  }

  private states(): string {
    return this.sides
      .map(({ name, phase, handed, delivered, conn }) => {
        const halves = conn === undefined ? '' : ` ${conn.lifecycle} ${conn.readHalf} ${conn.writeHalf}`;
        return `${name} ${phase}${halves}, ${handed} out, ${delivered} in`;
      })
      .join('; ');
  }

  /** Lets what was written between turns leave, and stops at the first violation. */
  private async microtasks(): Promise<void> {
    for (let round = 0; round < 4; round += 1) await undefined;
    this.judgeRun();
  }

  private judgeRun(): void {
    const [violation] = this.violations;
    if (violation !== undefined) throw new Error(violation);
  }
}

/** What has still to reach `side`, if anything has and nothing stands in its way. */
function owes(side: Side, disturbed: boolean): string | undefined {
  const { other } = side;
  if (disturbed || side.phase === 'closed' || other.phase === 'closed') return undefined;
  if (side.early || other.early) {
    // `close()` does without the hook that would tell.
    const isTold = (end: Side) => !end.early || end.closeAsked;
    if (side.paused || other.paused || (isTold(side) && isTold(other))) return undefined;
    return 'the handshake beside early data could go on';
  }
  // Whoever has closed during the handshake of an upgrade is not told that it is done.
  if (side.phase === 'new' || (!side.sealed && !side.closeAsked))
    return `the handshake of the ${side.name} could go on`;
  // Whoever has to answer a KeyUpdate reads no further before that has left (P15), and a peer that is paused takes nothing.
  const mustAnswer = side.keyUpdates + other.keyUpdates > 0 && other.paused;
  if (side.paused || side.closeAsked || side.endTold || mustAnswer) return undefined;
  if (side.delivered < other.handed) {
    return `the ${side.name} has ${side.delivered} of ${other.handed} bytes, and could have them all`;
  }
  // What is sent after the end reaches nobody; after the peer's what is half sent waits for the next write, or for the end.
  const waits = other.endAsked || other.endTold || other.paused;
  const updates = waits ? 0 : (other.conn?.tls?.keyUpdatesSent ?? 0);
  if ((side.conn?.tls?.keyUpdatesReceived ?? 0) < updates)
    return `a KeyUpdate has not reached the ${side.name}`;
  return other.endAsked ? `the ${side.name} could know of the end` : undefined;
}
