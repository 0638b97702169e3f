/**
 * Writes of any size on their way into one connection, at the pace at which that takes them. All kinds of streams write by it.
 *
 * Rule: what is queued with the connection goes over its high-water mark by one piece at most. Every write is told once how it
 * went, in the order of the writes.
 */
import type { Connection } from '../connection-contract.ts';

/** What is offered at once: half of what a connection queues before it says stop. */
export const PIECE_BYTES = 64 * 1024;

/** Told when the bytes were taken and there is room for more, or why they never will be. They are the caller's again. */
export type WriteDone = (error?: Error) => void;

interface Write {
  readonly bytes: Uint8Array;
  readonly done: WriteDone;
  taken: number;
}

export class PacedWriter {
  private readonly conn: Connection;
  private readonly writes: Write[] = [];
  /** The connection has enough: `onDrain` goes on, or `onClose` ends it. */
  private waits = false;
  private isPumping = false;
  private failure: Error | undefined;

  constructor(conn: Connection) {
    this.conn = conn;
  }

  /** Whether everything has been taken. */
  get isIdle(): boolean {
    return this.writes.length === 0;
  }

  /** Takes `bytes`, which must not change until `done`, behind all that came before. Of none: tells when it is their turn. */
  write(bytes: Uint8Array, done: WriteDone): void {
    if (this.failure !== undefined) return done(this.failure);
    this.writes.push({ bytes, done, taken: 0 });
    this.pump();
  }

  /** `onDrain` of the connection. */
  drained(): void {
    this.waits = false;
    this.pump();
  }

  /** Nothing can be written any more: what waits fails with `error`, and so does all that comes. */
  fail(error: Error): void {
    if (this.failure !== undefined) return;
    this.failure = error;
    for (const { done } of this.writes.splice(0)) done(error);
  }

  private pump(): void {
    // What is told that its bytes were taken may write more.
    if (this.isPumping) return;
    this.isPumping = true;
    for (let write = this.writes[0]; write !== undefined && !this.waits; write = this.writes[0]) {
      if (write.taken === write.bytes.length) {
        this.writes.shift();
        write.done();
      } else {
        this.offer(write);
      }
    }
    this.isPumping = false;
  }

  private offer(write: Write): void {
    const end = Math.min(write.taken + PIECE_BYTES, write.bytes.length);
    // Set before: the call may close the connection, which fails what is left. A side that is over answers false and drops the
    // bytes; why it is over is told by `onClose`.
    this.waits = true;
    const flows = this.conn.write(write.bytes.subarray(write.taken, end));
    write.taken = end;
    if (flows) this.waits = false;
  }
}
