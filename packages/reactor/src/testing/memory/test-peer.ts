/**
 * The other end of a protocol's connection, in the hands of a test: it says what the test tells it to, reads when it may,
 * and shows what it got.
 *
 * Rule: a method that returns a promise has settled: everything that follows from it has happened.
 */
import assert from 'node:assert/strict';
import { Status } from '@sluice/core-native';
import type { Connection } from '../../connection-contract.ts';
import type { CloseReason } from '../../protocol.ts';
import type { Reactor } from '../../reactor.ts';
import type { MemoryNetwork, Pumped } from './memory-network.ts';
import type { MemorySocket } from './memory-socket.ts';

const CHUNK_BYTES = 64 * 1024;

/** What a peer is made of. */
export interface TestPeerInit<State> {
  readonly network: MemoryNetwork;
  readonly reactor: Reactor;
  readonly socket: MemorySocket;
  readonly conn: () => Connection<State>;
}

/** The other end of a connection in memory, by a test's hand: `testConnection` makes it. */
export class TestPeer<State = unknown> implements Pumped {
  readonly network: MemoryNetwork;
  /** Whose connection it is. */
  readonly reactor: Reactor;
  private readonly socket: MemorySocket;
  private readonly connOf: () => Connection<State>;
  private readonly unsent: Buffer[] = [];
  private readonly pieces: Buffer[] = [];
  private readonly chunk = Buffer.allocUnsafe(CHUNK_BYTES);
  private taken = 0;
  /** How much it may read; without end unless it was paused. */
  private appetite = Number.POSITIVE_INFINITY;
  private isEnding = false;
  private gotEnd = false;
  private gotReset = false;

  constructor(init: TestPeerInit<State>) {
    this.network = init.network;
    this.reactor = init.reactor;
    this.socket = init.socket;
    this.connOf = init.conn;
    this.network.join(this);
  }

  /** The protocol's end: the connection that its hooks are called with. */
  get conn(): Connection<State> {
    return this.connOf();
  }

  /** Why the protocol's end has closed; undefined while it is open. */
  get closeReason(): CloseReason | undefined {
    return this.network.connections.closingOf(this.conn)?.reason;
  }

  /** The error that it closed with, if there was one. */
  get closeCause(): Error | undefined {
    return this.network.connections.closingOf(this.conn)?.cause;
  }

  /** What hooks have thrown; `finish` complains of what is left here. */
  get errors(): readonly Error[] {
    return this.network.errors;
  }

  // ---- What it says ----------------------------------------------------------------------------------------------

  /** Says each of `pieces` when all that follows from the one before has happened: so many calls of `onData`. */
  async send(...pieces: readonly (string | Uint8Array)[]): Promise<void> {
    for (const piece of pieces) {
      this.assertSpeaks('send');
      this.unsent.push(typeof piece === 'string' ? Buffer.from(piece) : Buffer.from(piece));
      await this.settle();
    }
  }

  /** Ends its side (a half-close), after `last`, which then arrives in the same event. It goes on reading. */
  async end(last: string | Uint8Array = ''): Promise<void> {
    this.assertSpeaks('end');
    this.unsent.push(Buffer.from(last as string));
    this.isEnding = true;
    await this.settle();
  }

  /** Breaks the connection off: a reset. */
  async reset(): Promise<void> {
    this.unsent.length = 0;
    this.socket.cuts = true;
    if (!this.socket.closed) this.socket.close();
    await this.settle();
  }

  /** Bytes that were to be sent, and that the protocol's end takes no more of: it has paused. */
  get unsentBytes(): number {
    return this.unsent.reduce((sum, { length }) => sum + length, 0);
  }

  // ---- What it hears ---------------------------------------------------------------------------------------------

  /** Everything that it has read. */
  get received(): Buffer {
    return Buffer.concat(this.pieces);
  }

  /** What it has read since the last call, as text. */
  take(encoding: BufferEncoding = 'utf8'): string {
    const news = this.received.subarray(this.taken);
    this.taken += news.length;
    return news.toString(encoding);
  }

  /** Whether the protocol has ended its side, and all that came before was read. */
  get hasEnd(): boolean {
    return this.gotEnd;
  }

  /** Whether the protocol has broken the connection off. */
  get hasReset(): boolean {
    return this.gotReset;
  }

  /** Stops reading: what the protocol writes fills the network (`capacityBytes`), then its queue. */
  pause(): void {
    this.appetite = 0;
  }

  /** Reads on, for good or `bytes` of it. */
  async resume(bytes: number = Number.POSITIVE_INFINITY): Promise<void> {
    this.appetite += bytes;
    await this.settle();
  }

  // ---- The world around ------------------------------------------------------------------------------------------

  /** As {@link MemoryNetwork.settle}. */
  settle(): Promise<void> {
    return this.network.settle();
  }

  /** As {@link MemoryNetwork.advance}. */
  advance(ms: number): Promise<void> {
    return this.network.advance(ms);
  }

  /** Begins to shut the protocol's reactor down, as {@link MemoryNetwork.shutdown}. */
  shutdown(options: { readonly deadlineMs?: number } = {}): Promise<void> {
    return this.network.shutdown(this.reactor, options);
  }

  /** As {@link MemoryNetwork.takeErrors}. */
  takeErrors(): Error[] {
    return this.network.takeErrors();
  }

  /** As {@link MemoryNetwork.finish}. */
  finish(): Promise<void> {
    return this.network.finish();
  }

  /** As `finish()`: for `await using`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.finish();
  }

  // ---- Called by the network -------------------------------------------------------------------------------------

  pump(): boolean {
    if (this.socket.closed) return false;
    const hasSaid = this.say();
    const hasHeard = this.hear();
    if (this.gotReset || (this.gotEnd && this.socket.ended)) this.socket.close();
    return hasSaid || hasHeard;
  }

  depart(): void {
    this.appetite = Number.POSITIVE_INFINITY;
    this.isEnding = true;
  }

  private say(): boolean {
    let moved = false;
    for (let next = this.unsent[0]; next !== undefined; next = this.unsent[0]) {
      const count = next.length === 0 ? 0 : this.socket.send(next);
      if (count < 0) break;
      moved = true;
      if (count === next.length) this.unsent.shift();
      else this.unsent[0] = next.subarray(count);
    }
    if (!this.isEnding || this.unsent.length > 0 || this.socket.ended) return moved;
    return this.socket.end() === 0 || moved;
  }

  private hear(): boolean {
    if (this.appetite === 0 || this.gotEnd || this.gotReset) return false;
    const count = this.socket.recv(this.chunk.subarray(0, Math.min(CHUNK_BYTES, this.appetite)));
    if (count === Status.wantsRead) return false;
    if (count === Status.failed) this.gotReset = true;
    else if (count === Status.ended) this.gotEnd = true;
    else {
      this.pieces.push(Buffer.from(this.chunk.subarray(0, count)));
      this.appetite -= count;
    }
    return true;
  }

  private assertSpeaks(verb: string): void {
    const { closeReason } = this;
    if (closeReason !== undefined)
      assert.fail(`${verb}(): the connection has closed (${closeReason}); nobody would hear that`);
    if (this.isEnding) assert.fail(`${verb}(): this peer has ended its side already`);
  }
}
