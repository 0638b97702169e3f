/**
 * Where one connection is listed with the loop: for the next turn, and for the flush at the end of this one.
 *
 * Rule: never twice on the same list, and on neither once it is closed.
 */
import type { Flushable, Loop } from './loop.ts';

export class Listing {
  private readonly loop: Loop;
  private readonly connection: Flushable;
  private listedReady = false;
  private listedFlush = false;
  private closed = false;

  constructor(loop: Loop, connection: Flushable) {
    this.loop = loop;
    this.connection = connection;
  }

  /** It has work that no edge will announce: it gets a turn. */
  ready(): void {
    if (this.listedReady || this.closed) return;
    this.listedReady = true;
    this.loop.enqueueReady(this.connection);
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
