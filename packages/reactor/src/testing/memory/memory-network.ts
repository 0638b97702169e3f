/**
 * Reactors on a network in memory: the real listeners, connectors, connections and deadlines, over sockets that are two
 * queues and a clock that a test moves. No descriptor is opened, and the addon is not loaded.
 *
 * Rule: nothing moves by itself. `settle` runs until nothing is left to do, `advance` lets time pass, and the same test
 * takes the same steps each time.
 */
import assert from 'node:assert/strict';
import type { Connection } from '../../connection-contract.ts';
import { LISTENER_DRAIN_MS } from '../../listener.ts';
import { Reactor, type ReactorOptions } from '../../reactor.ts';
import type { Server } from '../../server.ts';
import { promptDisk } from '../conformance/prompt-disk.ts';
import { nextTurn } from '../conformance/suite.ts';
import { FakeClock } from '../fake-clock.ts';
import { leftOpen } from './left-open.ts';
import { MemoryKernel } from './memory-kernel.ts';
import { MemoryPoller } from './memory-poller.ts';
import type { WireOptions } from './memory-wire.ts';
import { OpenConnections } from './open-connections.ts';
import { TestPeer } from './test-peer.ts';
import { expectFinish, finished } from './unfinished.ts';

/** Turns of Node's loop in which nothing happens, after which nothing will. */
const QUIET_TURNS = 3;
/** More than any test needs: 6 MB in pieces of 64 bytes. */
const MOST_TURNS = 100_000;

/** Somebody at the edge of the network who is not on a reactor. */
export interface Pumped {
  /** Moves what can be moved; false when nothing could. */
  pump(): boolean;
  /** Says good-bye, so that whoever it talks to can leave. */
  depart(): void;
}

/** The wires of connections in memory, and the clock of all reactors on them. */
export class MemoryNetwork {
  readonly clock = new FakeClock();
  /** What hooks have thrown, and whatever else the reactors reported; `finish` complains of what is left here. */
  readonly errors: Error[] = [];
  /** Of all reactors here: who is open, and how who is not has closed. */
  readonly connections: OpenConnections;
  /** The socket calls that all reactors here stand on. */
  readonly kernel: MemoryKernel;
  private readonly reactors: { readonly reactor: Reactor; readonly poller: MemoryPoller }[] = [];
  private readonly ends: Promise<unknown>[] = [];
  private readonly pumped: Pumped[] = [];
  private isFinished = false;

  constructor(wire: WireOptions = {}) {
    this.kernel = new MemoryKernel(wire);
    this.connections = new OpenConnections((fd) => this.kernel.socketOf(fd)?.peerPort);
    expectFinish(this, 'What testConnection, connectedPair or new MemoryNetwork() has made');
  }

  /** Another reactor on this network. Chunks are overwritten after `onData`, unless `poisonReads` is false. */
  createReactor(options: ReactorOptions = {}): Reactor {
    const poller = new MemoryPoller(this.kernel);
    const { clock, kernel: sockets } = this;
    const onError = (error: Error) => {
      this.errors.push(error);
      options.onError?.(error);
    };
    const reactor = new Reactor(
      { poller, sockets, disk: promptDisk(), clock },
      { poisonReads: true, ...options, onError },
    );
    this.reactors.push({ reactor, poller });
    return reactor;
  }

  /**
   * Connects to a server of `reactor` (default: the first one here) as a peer that a test speaks for, and answers it when
   * the connection is open. `AssertionError` when it was not accepted.
   */
  async dial<State = unknown>(server: Server, reactor = this.reactors[0]?.reactor): Promise<TestPeer<State>> {
    const socket = this.kernel.dial(server.address()?.port ?? -1);
    if (socket === undefined || reactor === undefined) assert.fail('nobody listens there');
    const conn = () =>
      (this.connections.ofPort(socket.port) ??
        assert.fail('the connection was not accepted')) as Connection<State>;
    const peer = new TestPeer<State>({ network: this, reactor, socket, conn });
    await this.settle();
    conn();
    return peer;
  }

  /** Takes along whoever is no reactor. */
  join(pumped: Pumped): void {
    this.pumped.push(pumped);
  }

  /**
   * Lets everything happen that follows from what was done, promises and immediates included; of timers of Node's and of
   * other I/O it knows nothing.
   */
  async settle(): Promise<void> {
    for (let turns = 0, quiet = 0; quiet < QUIET_TURNS; turns += 1) {
      if (turns > MOST_TURNS) assert.fail(`never comes to rest: ${this.describe()}`);
      await nextTurn();
      quiet = this.step() ? 0 : quiet + 1;
    }
  }

  /** Lets time pass, every deadline at its moment, and everything happen that follows from each. */
  async advance(ms: number): Promise<void> {
    await this.settle();
    const end = this.clock.now() + ms;
    for (let at = this.clock.nextAt; at !== undefined && at <= end; at = this.clock.nextAt) {
      this.clock.advance(Math.max(0, at - this.clock.now()));
      await this.settle();
    }
    this.clock.advance(end - this.clock.now());
    await this.settle();
  }

  /**
   * Begins to shut a reactor down, `deadlineMs` (default 10 s) being those of its clock, and resolves when listeners have
   * closed and every connection was asked to leave (`onShutdown`).
   */
  async shutdown(reactor: Reactor, options: { readonly deadlineMs?: number } = {}): Promise<void> {
    this.ends.push(reactor.shutdown(options));
    await this.advance(Math.min(options.deadlineMs ?? Number.POSITIVE_INFINITY, 2 * LISTENER_DRAIN_MS));
  }

  /** What was reported so far, taken out of {@link errors}: for tests that provoke it. */
  takeErrors(): Error[] {
    return this.errors.splice(0);
  }

  /**
   * The end of a test: peers say good-bye, reactors shut down, and `AssertionError` tells what a hook threw, who does not
   * leave, and what else is left over. Again is harmless.
   */
  async finish(): Promise<void> {
    if (this.isFinished) return;
    this.isFinished = true;
    finished(this);
    try {
      await this.settle();
      for (const pumped of this.pumped) pumped.depart();
      await this.settle();
      this.assertNoErrors();
      this.assertAllLeft();
      for (const { reactor } of this.reactors) await this.shutdown(reactor);
      await Promise.all(this.ends);
      this.assertNoErrors();
      this.assertEmpty();
    } finally {
      this.connections.close();
    }
  }

  /** The end of a test that has failed: everybody is cut off, and nothing is checked, for the failure says more. */
  abandon(): void {
    this.isFinished = true;
    finished(this);
    for (const connection of this.connections.open) connection.destroy();
    this.connections.close();
  }

  /** As `finish()`: for `await using`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.finish();
  }

  private step(): boolean {
    let moved = this.kernel.arrive();
    for (const { poller } of this.reactors) moved = poller.run() || moved;
    for (const pumped of this.pumped) moved = pumped.pump() || moved;
    return moved;
  }

  private assertNoErrors(): void {
    const [error] = this.errors;
    if (error === undefined) return;
    const message = `a hook threw, or the reactor reported: ${error.message}. Where a test means that, it takes it: takeErrors().`;
    throw Object.assign(new assert.AssertionError({ message }), { cause: error });
  }

  private assertAllLeft(): void {
    if (this.connections.open.length > 0) assert.fail(leftOpen(this.connections.open));
  }

  private assertEmpty(): void {
    const descriptors = this.kernel.open.size;
    const timers = this.clock.pending;
    if (descriptors === 0 && timers === 0) return;
    assert.fail(`something is left: ${descriptors} descriptors, ${timers} timers. This is a bug in Sluice.`);
  }

  private describe(): string {
    return `${this.connections.open.length} connections still talk after ${MOST_TURNS} turns`;
  }
}
