/**
 * A reactor without a kernel that puts one protocol through conversations: what the peer says arrives when the suite says
 * so, and everything that follows from it has happened before it says more.
 */
import assert from 'node:assert/strict';
import { Ready } from '@sluice/core-native';
import type { Connection } from '../../connection-contract.ts';
import type { Limits } from '../../limits.ts';
import type { CloseReason, Protocol } from '../../protocol.ts';
import { Reactor } from '../../reactor.ts';
import { FakeClock } from '../fake-clock.ts';
import { FakePoller } from '../fake-poller.ts';
import { FakeSockets } from '../fake-sockets.ts';
import { PipeTransport } from './pipe-transport.ts';
import { nextTurn } from './suite.ts';

export interface BenchOptions {
  /** One byte at a time goes out, and every write answers false. */
  readonly narrow?: boolean;
  /** After each chunk the connection is paused, and resumed later. */
  readonly pausing?: boolean;
  /** Chunks are overwritten after `onData`. Default true. */
  readonly poisoning?: boolean;
}

/** Turns of Node's loop in which nothing happens, after which nothing will. */
const QUIET_TURNS = 3;
const MOST_TURNS = 200_000;
/** Longer than every deadline of a connection by default. */
const LONG_MS = 900_000;

export class ProtocolBench<State> {
  readonly clock = new FakeClock();
  readonly poller = new FakePoller();
  readonly reactor: Reactor;
  /** What hooks threw. */
  readonly errors: Error[] = [];
  private readonly sockets = new FakeSockets();
  private readonly options: BenchOptions;
  private readonly protocol: Protocol<State>;
  private readonly talks = new Map<unknown, Talk<State>>();
  private listenerFd = -1;
  private nextFd = 1;

  constructor(protocol: Protocol<State>, options: BenchOptions) {
    const limits: Partial<Limits> =
      options.narrow === true ? { highWaterMarkBytes: 1, lowWaterMarkBytes: 0 } : {};
    this.protocol = protocol;
    this.options = options;
    this.reactor = new Reactor(
      { poller: this.poller, sockets: this.sockets, clock: this.clock },
      { limits, poisonReads: options.poisoning ?? true, onError: (error) => this.errors.push(error) },
    );
  }

  /** A new connection. */
  async open(): Promise<Talk<State>> {
    if (this.listenerFd < 0) await this.listen();
    const transport = new PipeTransport(this.options.narrow === true ? 0 : Number.POSITIVE_INFINITY);
    const talk = new Talk<State>(this, transport, this.nextFd, this.options);
    this.talks.set(transport, talk);
    this.sockets.backlog.push(this.nextFd);
    this.nextFd += 1;
    this.poller.fire([this.listenerFd, Ready.readable]);
    await talk.settle();
    return talk;
  }

  /** What the hooks threw so far is nothing, or the protocol is broken. */
  assertNoErrors(where: string): void {
    const [error] = this.errors;
    if (error !== undefined) assert.fail(`a hook threw ${where}: ${error.stack ?? error.message}`);
  }

  /** After the last connection: nothing of it is left. */
  assertEmpty(where: string): void {
    const { connections, queuedBytes } = this.reactor.stats();
    assert.deepEqual(
      { connections, queuedBytes },
      { connections: 0, queuedBytes: 0 },
      `something is left ${where}`,
    );
    assert.equal(this.clock.pending, 0, `a deadline is left ${where}`);
  }

  private async listen(): Promise<void> {
    const accept = (fd: number) => this.transportOf(fd);
    await this.reactor.listen({ port: 0, transport: { name: 'pipe', accept } }, this.watched());
    this.listenerFd = [...this.poller.registered.keys()][0] ?? -1;
  }

  private transportOf(fd: number): PipeTransport {
    for (const talk of this.talks.values()) if (talk.fd === fd) return talk.transport;
    throw new Error(`descriptor ${fd} belongs to nobody`);
  }

  /** The protocol, with its hooks watched; those that it does not have stay absent. */
  private watched(): Protocol<State> {
    const talkOf = (conn: Connection<State>) => this.talks.get(conn.transport);
    const { protocol } = this;
    const watching: Partial<Protocol<State>> = {
      onOpen: (conn) => {
        talkOf(conn)?.opened(conn);
        return protocol.onOpen(conn);
      },
      onClose: (conn, reason, cause) => {
        talkOf(conn)?.wasClosed(reason);
        protocol.onClose?.(conn, reason, cause);
      },
    };
    if (protocol.onData !== undefined) {
      watching.onData = (conn, chunk) => {
        protocol.onData?.(conn, chunk);
        talkOf(conn)?.hadChunk();
      };
    }
    return new Proxy(protocol, {
      get: (target, name: keyof Protocol<State>) => {
        const value = watching[name] ?? Reflect.get(target, name);
        return typeof value === 'function' ? value.bind(target) : value;
      },
    });
  }
}

/** One conversation: the peer's side of a connection. */
export class Talk<State> {
  readonly transport: PipeTransport;
  readonly fd: number;
  /** Reasons of every `onClose`. */
  readonly closed: CloseReason[] = [];
  conn: Connection<State> | undefined;
  private readonly bench: ProtocolBench<State>;
  private readonly options: BenchOptions;
  /** Who wants silence: the protocol itself, or the suite. */
  private protocolPauses = false;
  private suitePauses = false;
  private resume: () => void = () => {};
  private pause: () => void = () => {};

  constructor(bench: ProtocolBench<State>, transport: PipeTransport, fd: number, options: BenchOptions) {
    this.bench = bench;
    this.transport = transport;
    this.fd = fd;
    this.options = options;
  }

  /** The peer says each of `pieces` when all that followed from the one before has happened. */
  async say(...pieces: readonly Uint8Array[]): Promise<void> {
    for (const piece of pieces) {
      if (piece.length === 0 || this.transport.closed) continue;
      this.transport.put(piece);
      this.fire(Ready.readable);
      await this.settle();
    }
  }

  /** The peer says a last piece and ends, or only ends. */
  async end(piece: Uint8Array = Buffer.alloc(0)): Promise<void> {
    if (this.transport.closed) return;
    this.transport.put(piece);
    this.transport.putEnd();
    this.fire(Ready.readable | Ready.readClosed);
    await this.settle();
  }

  async reset(): Promise<void> {
    if (this.transport.closed) return;
    this.transport.break();
    this.fire(Ready.readable | Ready.readClosed | Ready.hangup | Ready.error);
    await this.settle();
  }

  /** Waits for whatever the protocol still has to do, and then for every deadline. */
  async outlive(): Promise<void> {
    if (!this.transport.closed) this.bench.clock.advance(LONG_MS);
    await this.settle();
  }

  /** Lets everything happen that is due, promises included. */
  async settle(): Promise<void> {
    let seen = this.transport.outputBytes;
    for (let turns = 0, quiet = 0; quiet < QUIET_TURNS; turns += 1) {
      if (turns > MOST_TURNS) assert.fail('the protocol never comes to rest');
      await nextTurn();
      const moved = this.bench.poller.settle(10_000) > 0 || this.makeRoom() || this.resumeAgain();
      quiet = moved || this.transport.outputBytes !== seen ? 0 : quiet + 1;
      seen = this.transport.outputBytes;
    }
  }

  // ---- Called by the watching hooks ----

  opened(conn: Connection<State>): void {
    this.conn = conn;
    const pause = conn.pause.bind(conn);
    const resume = conn.resume.bind(conn);
    this.pause = pause;
    this.resume = resume;
    conn.pause = () => {
      this.protocolPauses = true;
      pause();
    };
    conn.resume = () => {
      this.protocolPauses = false;
      if (!this.suitePauses) resume();
    };
  }

  hadChunk(): void {
    if (this.options.pausing !== true) return;
    this.suitePauses = true;
    this.pause();
  }

  wasClosed(reason: CloseReason): void {
    this.closed.push(reason);
  }

  private fire(bits: number): void {
    this.bench.poller.fire([this.fd, bits]);
  }

  /** The peer takes one byte of what waits for it. */
  private makeRoom(): boolean {
    if (!this.transport.starved || this.transport.closed) return false;
    this.transport.starved = false;
    this.transport.room = 1;
    this.fire(Ready.writable);
    return true;
  }

  private resumeAgain(): boolean {
    if (!this.suitePauses) return false;
    this.suitePauses = false;
    if (!this.protocolPauses) this.resume();
    return true;
  }
}
