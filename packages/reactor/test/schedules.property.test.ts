import { Ready } from '@sluice/core-native';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Connection, Limits } from '../src/index.ts';
import { Reactor } from '../src/reactor.ts';
import { FakeClock, FakeSockets } from '../src/testing/index.ts';
import { SimulatedKernel, SimulatedSocket } from './support/simulated-kernel.ts';

/** One thing that happens: on the peer's side, in the kernel, or in code that holds the connection. */
const STEPS = [
  'peer sends a little',
  'peer sends a lot',
  'peer reads a little',
  'peer reads a lot',
  'peer demands an answer',
  'demand an answer',
  'peer answers',
  'peer ends',
  'kernel runs',
  'kernel runs',
  'write',
  'write a lot',
  'pause',
  'resume',
  'end',
] as const;
type Step = (typeof STEPS)[number];

/** What a hook does besides its work. */
const WHIMS = ['nothing', 'nothing', 'echo', 'write', 'pause', 'pause and resume', 'end'] as const;
type Whim = (typeof WHIMS)[number];

interface Schedule {
  readonly steps: readonly Step[];
  readonly whims: readonly Whim[];
  readonly room: number;
  readonly tellsDrained: boolean;
  readonly limits: Partial<Limits>;
}

const schedules: fc.Arbitrary<Schedule> = fc.record({
  steps: fc.array(fc.constantFrom(...STEPS), { maxLength: 60 }),
  whims: fc.array(fc.constantFrom(...WHIMS), { minLength: 1, maxLength: 10 }),
  room: fc.constantFrom(0, 1, 700, 100_000),
  tellsDrained: fc.boolean(),
  limits: fc.record({
    readBudgetBytes: fc.constantFrom(1, 1000, 1_000_000),
    highWaterMarkBytes: fc.constantFrom(1, 500, 100_000),
  }),
});

/** Plays one schedule on a real connection machine, and can then bring everything to rest. */
class Play {
  readonly kernel = new SimulatedKernel();
  readonly errors: Error[] = [];
  readonly hooks: string[] = [];
  readonly got: Buffer[] = [];
  readonly accepted: Buffer[] = [];
  readonly peerSent: Buffer[] = [];
  readonly socket: SimulatedSocket;
  conn!: Connection;
  private readonly schedule: Schedule;
  private serial = 0;
  private peerEnded = false;
  private hookCalls = 0;

  constructor(schedule: Schedule) {
    this.schedule = schedule;
    this.socket = new SimulatedSocket(schedule.room, schedule.tellsDrained);
  }

  async begin(): Promise<void> {
    const sockets = new FakeSockets();
    const reactor = new Reactor(
      { poller: this.kernel, sockets, clock: new FakeClock() },
      { limits: this.schedule.limits, poisonReads: true, onError: (error) => this.errors.push(error) },
    );
    await reactor.listen(
      { port: 0, transport: { name: 'simulated', accept: () => this.socket } },
      {
        onOpen: (conn) => {
          this.conn = conn;
        },
        onData: (_conn, chunk) => {
          this.got.push(Buffer.from(chunk));
          this.indulge(chunk);
        },
        onDrain: () => this.indulge(Buffer.from('drained')),
        onEnd: (conn) => {
          this.hooks.push('end');
          conn.end();
        },
        onClose: (_conn, reason) => this.hooks.push(`close ${reason}`),
      },
    );
    const [listener] = this.kernel.registered.keys();
    this.kernel.sockets.set(7, this.socket);
    sockets.backlog.push(7);
    this.kernel.fire([listener ?? -1, Ready.readable]);
  }

  step(step: Step): void {
    const { conn, socket } = this;
    if (step === 'peer sends a little') this.peerSends(20);
    else if (step === 'peer sends a lot') this.peerSends(90_000);
    else if (step === 'peer reads a little') socket.peerReads(3);
    else if (step === 'peer reads a lot') socket.peerReads(50_000);
    else if (step === 'peer demands an answer') socket.peerDemandsAnswer();
    else if (step === 'demand an answer') socket.demandAnswer();
    else if (step === 'peer answers') socket.peerAnswers();
    else if (step === 'peer ends') this.peerEnds();
    else if (step === 'kernel runs') this.kernel.run();
    else if (step === 'write') this.write(10);
    else if (step === 'write a lot') this.write(40_000);
    else if (step === 'pause') conn.pause();
    else if (step === 'resume') conn.resume();
    else conn.end();
  }

  /** The peer reads everything, answers and ends; the protocol resumes; the kernel runs until nothing is due. */
  async rest(): Promise<void> {
    this.socket.peerAnswers();
    this.peerEnds();
    for (let turns = 0, idle = 0; idle < 3; turns += 1) {
      if (turns > 5_000) throw new Error('it never comes to rest');
      await Promise.resolve();
      this.conn.resume();
      this.socket.peerReads(100_000);
      idle = this.kernel.run() ? 0 : idle + 1;
    }
  }

  private peerSends(count: number): void {
    if (this.peerEnded) return;
    const bytes = this.numbered(count);
    this.peerSent.push(bytes);
    this.socket.peerSends(bytes);
  }

  private peerEnds(): void {
    this.peerEnded = true;
    this.socket.peerEnds();
  }

  private write(count: number): void {
    const bytes = this.numbered(count);
    const takes = ['ready', 'blocked', 'wants-read'].includes(this.conn.writeHalf);
    this.conn.write(bytes);
    if (takes) this.accepted.push(bytes);
  }

  private indulge(chunk: Buffer): void {
    const whim = this.schedule.whims[this.hookCalls % this.schedule.whims.length];
    this.hookCalls += 1;
    if (whim === 'write') this.write(30);
    else if (whim === 'echo') this.write(Math.min(chunk.length, 20_000));
    else if (whim === 'pause') this.conn.pause();
    else if (whim === 'end') this.conn.end();
    else if (whim === 'pause and resume') {
      this.conn.pause();
      this.conn.resume();
    }
  }

  /** Bytes that are different each time, so that order and repetition show. */
  private numbered(count: number): Buffer {
    this.serial += 1;
    return Buffer.alloc(count, `${this.serial}.`);
  }
}

test('whatever the schedule, no byte and no edge is lost, in either direction, and it ends clean and once', async () => {
  await fc.assert(
    fc.asyncProperty(schedules, async (schedule) => {
      const play = new Play(schedule);
      await play.begin();
      for (const step of schedule.steps) {
        play.step(step);
        await Promise.resolve();
      }
      await play.rest();
      expect(play.errors).toEqual([]);
      expect(Buffer.concat(play.got).equals(Buffer.concat(play.peerSent))).toBe(true);
      expect(Buffer.concat(play.socket.sent).equals(Buffer.concat(play.accepted))).toBe(true);
      expect(play.socket.outEnded).toBe(true);
      expect(play.hooks).toEqual(['end', 'close clean']);
      expect(play.kernel.registered.size).toBe(1);
    }),
    { seed: 20_26, numRuns: 600 },
  );
});
