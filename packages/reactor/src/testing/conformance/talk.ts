/** One conversation with a protocol on a bench: the peer's side of a connection, in as small pieces as the suite likes. */
import assert from 'node:assert/strict';
import { Ready } from '@sluice/core-native';
import type { Connection } from '../../connection-contract.ts';
import type { CloseReason } from '../../protocol.ts';
import type { FakeClock } from '../fake-clock.ts';
import type { FakePoller } from '../fake-poller.ts';
import type { PipeTransport } from './pipe-transport.ts';
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

/** One conversation: the peer's side of a connection. */
export class Talk<State> {
  readonly transport: PipeTransport;
  readonly fd: number;
  /** Reasons of every `onClose`. */
  readonly closed: CloseReason[] = [];
  conn: Connection<State> | undefined;
  private readonly around: { readonly poller: FakePoller; readonly clock: FakeClock };
  private readonly options: BenchOptions;
  /** Who wants silence: the protocol itself, or the suite. */
  private protocolPauses = false;
  private suitePauses = false;
  private resume: () => void = () => {};
  private pause: () => void = () => {};

  constructor(
    around: { readonly poller: FakePoller; readonly clock: FakeClock },
    transport: PipeTransport,
    fd: number,
    options: BenchOptions,
  ) {
    this.around = around;
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
    if (!this.transport.closed) this.around.clock.advance(LONG_MS);
    await this.settle();
  }

  /** Lets everything happen that is due, promises included. */
  async settle(): Promise<void> {
    let seen = this.transport.outputBytes;
    for (let turns = 0, quiet = 0; quiet < QUIET_TURNS; turns += 1) {
      if (turns > MOST_TURNS) assert.fail('the protocol never comes to rest');
      await nextTurn();
      const moved = this.around.poller.settle(10_000) > 0 || this.makeRoom() || this.resumeAgain();
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
    this.around.poller.fire([this.fd, bits]);
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
