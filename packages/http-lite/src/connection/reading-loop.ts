/**
 * The bytes that have come on one HTTP connection: the chunk that is being read, and what was kept of those before.
 *
 * Rule: they are read in the order in which they came, and from a loop, so that any number of pipelined requests needs no
 * stack. What they mean, and whether they may be read yet, is the business of `http-state.ts`.
 */
import type { Connection } from '@sluice/reactor';
import type { HttpSettings } from '../http-settings.ts';
import { ChunkInHand } from '../request/chunk-in-hand.ts';
import { Inflow } from '../request/inflow.ts';

/** A base of the state and no object of its own: idle connections would pay for that. */
export abstract class ReadingLoop {
  readonly #inflow: Inflow;
  readonly #chunk = new ChunkInHand();

  constructor(connection: Connection, { limits, counters }: HttpSettings) {
    this.#inflow = new Inflow(connection, limits, counters);
  }

  /** Whether bytes may be read now. */
  protected abstract readonly mayRead: boolean;

  /** Whether none of them will be read any more. */
  protected abstract readonly isDropped: boolean;

  /** What waits for the reader of the current body. */
  protected abstract readonly bufferedBodyBytes: number;

  /** Reads some of `chunk` from `from` on; called while {@link mayRead}. Returns where it stopped. */
  protected abstract readSome(chunk: Buffer, from: number): number;

  /** Reads a chunk that has come, unless others wait before it, and keeps what may not be read yet. */
  protected readOrKeep(chunk: Buffer): void {
    const at = this.#inflow.isEmpty ? this.read(chunk) : 0;
    if (at === chunk.length || this.isDropped) return;
    this.#inflow.keep(chunk, at);
    this.regulate();
  }

  /** Reads what was kept, as far as it may be read now. */
  protected readKept(): void {
    const inflow = this.#inflow;
    while (!inflow.isEmpty && this.mayRead) {
      const chunk = inflow.take();
      if (chunk === undefined) break;
      const at = this.read(chunk);
      if (at < chunk.length && !this.isDropped) inflow.putBack(chunk.subarray(at));
    }
  }

  /** The loop is on the stack; it will go on by itself. */
  protected get isReading(): boolean {
    return this.#chunk.isRead;
  }

  /** The chunk that is being read goes on behind the current request. */
  protected get hasMoreInHand(): boolean {
    return this.#chunk.hasMore;
  }

  /** Bytes behind the current request have arrived. */
  protected get hasMore(): boolean {
    return this.#chunk.hasMore || !this.#inflow.isEmpty;
  }

  /** The current request, as far as it is here, ends at `at` of the chunk that is being read. */
  protected requestEnds(at: number): void {
    this.#chunk.requestEnds(at);
  }

  /** All of the chunk that is being read is of the current request, as far as is known. */
  protected requestGoesOn(): void {
    this.#chunk.isOfRequest();
  }

  /** All bytes behind the current request, which then wait no longer: borrowed. */
  protected takeUnread(): Buffer {
    return this.#inflow.takeAll(this.#chunk.rest);
  }

  /** Nothing of what was kept will be read. */
  protected dropUnread(): void {
    this.#inflow.clear();
  }

  /** We have paused the connection. */
  protected get isPaused(): boolean {
    return this.#inflow.isPaused;
  }

  /** Pauses or resumes the connection, by what waits now. */
  protected regulate(): void {
    this.#inflow.regulate(this.bufferedBodyBytes);
  }

  /**
   * Reads as much of `chunk` as may be read now. Returns where it stopped. It is not `#read`: V8 brands each object once for
   * every class of its chain that has private methods, eight bytes each.
   */
  private read(chunk: Buffer): number {
    let at = 0;
    this.#chunk.begin(chunk);
    try {
      while (at < chunk.length && this.mayRead) at = this.readSome(chunk, at);
      return at;
    } finally {
      this.#chunk.end();
    }
  }
}
