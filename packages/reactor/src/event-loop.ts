/**
 * One turn: dispatch the edges of a batch, those of listeners last, run the ready list, take a few handshake steps, flush what
 * was written from outside, and free what was closed. Deadlines and writes made between turns come in by the same door.
 *
 * Rule: slots are freed at the end of a turn, never inside it; the ready list of this turn was made by the one before,
 * so that whoever comes back at once waits behind all others; and whoever is open goes before who wants to be.
 */
import { EVENT_FIELDS } from '@sluice/core-native';
import { Admission } from './admission.ts';
import { Arrivals } from './arrivals.ts';
import { type Counters, newCounters } from './counters.ts';
import { type Clock, DeadlineWheel } from './deadline-wheel.ts';
import { Departures } from './departures.ts';
import type { Disk } from './disk.ts';
import { EdgeBatch } from './edge-batch.ts';
import { FileBuffers } from './file-buffers.ts';
import { HandshakeQueue, type Stepper } from './handshake-queue.ts';
import type { Limits } from './limits.ts';
import type { Flushable, Loop, Reaped, Sockets } from './loop.ts';
import { type Timeouts, timeoutsOf } from './open-deadlines.ts';
import { Outbox } from './outbox.ts';
import type { Pollable } from './pollable.ts';
import type { Poller } from './poller.ts';
import { ReadAhead } from './read-ahead.ts';
import { ReadBuffer } from './read-buffer.ts';
import { ResidentFiles } from './resident-files.ts';
import { SlotTable } from './slot-table.ts';

const NOBODY: readonly Pollable[] = [];

/** For so many full batches at most deadlines wait until what has arrived was read: load alone must not end them. */
const MOST_PUT_OFF = 64;

/**
 * Deadlines that one turn sees to. Thousands may be due at once, each with a connection to close, and whoever is open must not wait
 * for all of them: the kernel takes milliseconds to forget what a slow reader was sent in small segments.
 */
const DEADLINES_A_TURN = 32;

export interface EventLoopInit {
  readonly poller: Poller;
  readonly sockets: Sockets;
  readonly disk: Disk;
  readonly clock: Clock;
  readonly limits: Limits;
  readonly poisonReads: boolean;
  /** Where exceptions of user code go. */
  readonly onError: (error: Error) => void;
}

export class EventLoop implements Loop {
  readonly poller: Poller;
  readonly sockets: Sockets;
  readonly disk: Disk;
  readonly limits: Limits;
  readonly clock: Clock;
  readonly deadlines: DeadlineWheel;
  readonly timeouts: Timeouts;
  readonly poisonReads: boolean;
  readonly outbox = new Outbox();
  readonly departures: Departures;
  readonly readBuffer = new ReadBuffer();
  readonly arrivals = new Arrivals();
  readonly readAhead = new ReadAhead();
  readonly counters: Counters = newCounters();
  readonly fileBuffers = new FileBuffers(this.counters);
  readonly residentFiles = new ResidentFiles();
  readonly admission: Admission;
  readonly drains = new Set<Reaped>();
  dispatching: Pollable | undefined;
  closed = false;
  private turnBeganMs = 0;
  private readonly slots = new SlotTable<Pollable>();
  private readonly onError: (error: Error) => void;
  private ready: Pollable[] = [];
  private unflushed: Flushable[] = [];
  private retired: Pollable[] = [];
  private readonly handshakes = new HandshakeQueue();
  private readonly batch: EdgeBatch;
  private inTurn = false;
  private flushQueued = false;
  /** The last batch was full: the kernel may have more edges. */
  private mayHaveMore = false;
  /** For how many turns deadlines that are due have been put off. */
  private putOff = 0;
  /** More deadlines were due than a turn sees to. */
  private overdue = false;

  constructor(init: EventLoopInit) {
    this.poller = init.poller;
    this.sockets = init.sockets;
    this.disk = init.disk;
    this.clock = init.clock;
    this.limits = init.limits;
    this.timeouts = timeoutsOf(init.limits);
    this.admission = new Admission(init.limits);
    this.poisonReads = init.poisonReads;
    this.onError = init.onError;
    this.departures = new Departures(this.outbox, init.sockets);
    this.batch = new EdgeBatch(this, this.slots, (pollable, thrown) => this.broken(pollable, thrown));
    this.deadlines = new DeadlineWheel(init.clock, () => this.turn(0, true));
    this.poller.start((count) => this.turn(count, false));
  }

  get nowMs(): number {
    // Between turns the last one may be long ago: nothing wakes a loop that has neither traffic nor deadlines.
    return this.inTurn ? this.turnBeganMs : Math.floor(this.clock.now());
  }

  /** Everybody who holds a slot. */
  get pollables(): Pollable[] {
    return this.slots.holders();
  }

  /** How many wait for the next turn. */
  get readyListLength(): number {
    return this.ready.length;
  }

  /** How many hold one. */
  get size(): number {
    return this.slots.size;
  }

  admit<T extends Pollable>(make: (slot: number, generation: number) => T): T {
    const { slot, generation } = this.slots.acquire();
    try {
      const pollable = make(slot, generation);
      this.slots.fill(slot, pollable);
      return pollable;
    } catch (thrown) {
      this.slots.release(slot);
      throw thrown;
    }
  }

  enqueueReady(pollable: Pollable): void {
    this.ready.push(pollable);
    // Inside a turn its end looks once, for all that were listed.
    if (!this.inTurn) this.poller.wake();
  }

  enqueueFlush(flushable: Flushable): void {
    this.unflushed.push(flushable);
    this.endTurnSoon();
  }

  enqueueHandshake(stepper: Stepper): void {
    this.handshakes.add(stepper);
    if (!this.inTurn) this.poller.wake();
  }

  takeHandshakeStep(stepper: Stepper): boolean {
    return this.handshakes.take(stepper);
  }

  retire(pollable: Pollable): void {
    this.retired.push(pollable);
    this.endTurnSoon();
  }

  report(error: Error): void {
    try {
      this.onError(error);
    } catch (thrown) {
      // The handler of last resort failed: nobody is left to tell but the process.
      queueMicrotask(() => {
        throw thrown;
      });
    }
  }

  close(): void {
    this.deadlines.close();
    this.poller.close();
  }

  private turn(count: number, deadlinesDue: boolean): void {
    this.beginTurn();
    this.counters.turns += 1;
    this.counters.events += count;
    try {
      const due = this.takeReady();
      this.counters.readyTurns += due.length;
      this.batch.dispatch(count);
      for (const pollable of due) this.run(pollable, () => pollable.onTurn());
      if (this.handshakes.length > 0) this.takeHandshakeSteps();
      if (count > 0) this.mayHaveMore = count * EVENT_FIELDS === this.poller.events.length;
      if (deadlinesDue || this.overdue || this.putOff > 0) this.expire();
    } finally {
      // Whatever happens, the next turn must find the loop between turns.
      this.endTurn();
    }
  }

  /** Nobody is late whose bytes are behind the end of a full batch: deadlines come after the next. */
  private expire(): void {
    if (this.mayHaveMore && this.putOff < MOST_PUT_OFF) {
      this.mayHaveMore = false;
      this.putOff += 1;
      this.poller.wake();
      return;
    }
    this.putOff = 0;
    this.overdue = this.deadlines.expire(DEADLINES_A_TURN);
    if (this.overdue) this.poller.wake();
  }

  private beginTurn(): void {
    this.inTurn = true;
    this.turnBeganMs = Math.floor(this.clock.now());
  }

  /** The ready list as it stands; whoever is listed from now on waits for the next turn. */
  private takeReady(): readonly Pollable[] {
    if (this.ready.length === 0) return NOBODY;
    const due = this.ready;
    this.ready = [];
    return due;
  }

  private readonly takeStep = (stepper: Stepper): void => {
    try {
      stepper.onStep();
    } catch (thrown) {
      this.broken(stepper, thrown);
    }
  };

  private takeHandshakeSteps(): void {
    this.handshakes.serve(this.limits.handshakeBudget, this.takeStep);
  }

  /** Flushes, frees, and sees to it that a next turn comes when somebody waits for one. */
  private endTurn(): void {
    if (this.unflushed.length > 0) {
      // A flush tells a drain, which may write to others: those wait for the next turn, or two could play for ever.
      const flushing = this.unflushed;
      this.unflushed = [];
      for (const flushable of flushing) this.run(flushable, () => flushable.onFlush());
    }
    if (this.retired.length > 0) this.reap();
    this.inTurn = false;
    if (this.ready.length > 0 || this.unflushed.length > 0 || this.handshakes.length > 0) this.poller.wake();
  }

  private reap(): void {
    for (const { slot } of this.retired) this.slots.release(slot);
    this.retired = [];
    this.admission.wake();
    for (const drain of this.drains) drain.onReaped();
  }

  private run(pollable: Pollable, action: () => void): void {
    try {
      action();
    } catch (thrown) {
      this.broken(pollable, thrown);
    }
  }

  /** An exception out of the machine itself is a bug of ours; it costs its connection, not the batch. */
  private broken(pollable: Pollable, thrown: unknown): void {
    const error = thrown instanceof Error ? thrown : new Error(String(thrown));
    this.dispatching = undefined;
    this.outbox.drop();
    this.report(error);
    pollable.destroy(error);
  }

  /** Between turns: what was written or closed is seen to in a microtask, after the code that did it. */
  private endTurnSoon(): void {
    if (this.inTurn || this.flushQueued) return;
    this.flushQueued = true;
    queueMicrotask(() => {
      this.flushQueued = false;
      this.beginTurn();
      this.endTurn();
    });
  }
}
