/**
 * What has arrived on a connection and waits: bytes of further requests here, body bytes with their reader. And whether
 * more may come.
 *
 * Rule: the connection is paused while more waits than the limits allow, and resumed when half of that is gone.
 */
import type { Connection } from '@sluice/reactor';
import type { HttpCounters } from '../http-counters.ts';
import type { HttpLimits } from '../limits.ts';
import { Stash } from './stash.ts';

/** - `open`: bytes are delivered. To `paused`. - `paused`: we have called `pause()`. To `open`. */
type Tap = 'open' | 'paused';

export class Inflow {
  #tap: Tap = 'open';
  /** Made when something has to be kept for the first time: most connections never pipeline. */
  #stash: Stash | undefined = undefined;
  readonly #connection: Connection;
  readonly #limits: HttpLimits;
  readonly #counters: HttpCounters;

  constructor(connection: Connection, limits: HttpLimits, counters: HttpCounters) {
    this.#connection = connection;
    this.#limits = limits;
    this.#counters = counters;
  }

  get isEmpty(): boolean {
    return this.#stash === undefined || this.#stash.isEmpty;
  }

  get isPaused(): boolean {
    return this.#tap === 'paused';
  }

  /** Keeps a copy of a borrowed chunk from `from` on. */
  keep(chunk: Buffer, from: number): void {
    this.#stash ??= new Stash();
    this.#stash.keep(chunk, from);
  }

  /** The oldest chunk that waits, which then waits no longer. */
  take(): Buffer | undefined {
    return this.#stash?.take();
  }

  /** Puts the unread rest of what was taken back in front. */
  putBack(rest: Buffer): void {
    this.#stash?.putBack(rest);
  }

  /** `first` and all that waits behind it, which then waits no longer. */
  takeAll(first: Buffer): Buffer {
    const chunks = [first];
    for (let chunk = this.take(); chunk !== undefined; chunk = this.take()) chunks.push(chunk);
    return chunks.length === 1 ? first : Buffer.concat(chunks);
  }

  /** Nothing of it will be read. */
  clear(): void {
    this.#stash?.clear();
  }

  /** `bodyBytes`: what waits for the reader of the current body. */
  regulate(bodyBytes: number): void {
    const { pipelineBytes, bodyBufferBytes } = this.#limits;
    const share = this.#tap === 'paused' ? 0.5 : 1;
    const pipelineFull = (this.#stash?.bytes ?? 0) > pipelineBytes * share;
    const tap: Tap = pipelineFull || bodyBytes > bodyBufferBytes * share ? 'paused' : 'open';
    if (tap === this.#tap) return;
    this.#tap = tap;
    if (tap === 'open') return this.#connection.resume();
    this.#counters.limited[pipelineFull ? 'pipelineBytes' : 'bodyBufferBytes'] += 1;
    this.#connection.pause();
  }
}
