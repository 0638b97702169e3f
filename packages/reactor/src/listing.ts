/**
 * Where one connection is listed with the loop: for the next turn, for a step of its handshake, and for the flush at the end
 * of this turn.
 *
 * Rule: never twice on the same list, and on none once it is closed.
 */
import type { Stepper } from './handshake-queue.ts';
import type { Flushable, Loop } from './loop.ts';

export class Listing {
  private readonly loop: Loop;
  private readonly connection: Flushable & Stepper;
  private listedReady = false;
  private listedFlush = false;
  private listedStep = false;
  private closed = false;

  constructor(loop: Loop, connection: Flushable & Stepper) {
    this.loop = loop;
    this.connection = connection;
  }

  /** It has work that no edge will announce: it gets a turn. */
  ready(): void {
    if (this.listedReady || this.closed) return;
    this.listedReady = true;
    this.loop.enqueueReady(this.connection);
  }

  /** It has a step of its handshake to take. */
  step(): void {
    if (this.listedStep || this.closed) return;
    this.listedStep = true;
    this.loop.enqueueHandshake(this.connection);
  }

  /** Something was written to it from outside of its dispatch, which would end with a flush anyway. */
  flush(): void {
    if (this.listedFlush || this.closed || this.loop.dispatching === this.connection) return;
    this.listedFlush = true;
    this.loop.enqueueFlush(this.connection);
  }

  /** Its turn has come. */
  takeReady(): void {
    this.listedReady = false;
  }

  /** Its step has come. */
  takeStep(): void {
    this.listedStep = false;
  }

  /** Its flush has come. */
  takeFlush(): void {
    this.listedFlush = false;
  }

  /** Its slot is released after the batch. */
  close(): void {
    this.closed = true;
    this.loop.retire(this.connection);
  }
}
