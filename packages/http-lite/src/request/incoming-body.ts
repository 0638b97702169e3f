/**
 * The arriving side of a request body: decodes, counts, and hands copies to the {@link Body} or drops them.
 *
 * Rule: a body never costs more than its limits, whoever reads it or does not.
 */
import { Buffer } from 'node:buffer';
import { HttpRequestError } from '../errors.ts';
import type { HttpCounters } from '../http-counters.ts';
import type { HttpLimits } from '../limits.ts';
import { type BodyDecoder, LengthDecoder } from '../parser/body-decoder.ts';
import { ChunkedDecoder } from '../parser/chunked-decoder.ts';
import type { Framing } from '../parser/framing.ts';
import { Body, type BodyOwner } from './body.ts';

/**
 * - `more`: the body goes on.
 * - `done`: it is complete.
 * - `refused`: {@link IncomingBody.failure} says why; nothing behind it can be understood.
 * - `excess`: more was dropped than keep-alive is worth.
 */
export type IncomingOutcome = 'more' | 'done' | 'refused' | 'excess';

export class IncomingBody {
  readonly body: Body;
  outcome: IncomingOutcome = 'more';
  failure: HttpRequestError | undefined = undefined;
  /** Decoded bytes that have arrived. */
  receivedBytes = 0;
  readonly #decoder: BodyDecoder;
  readonly #limits: HttpLimits;
  #droppedBytes = 0;

  constructor(framing: Framing, limits: HttpLimits, owner: BodyOwner) {
    this.body = new Body(owner, limits.collectBytes);
    this.#decoder = framing.chunked ? new ChunkedDecoder(limits) : new LengthDecoder(framing.contentLength);
    this.#limits = limits;
  }

  /** Whether dropping the rest may be cheaper than a new connection, as far as is known. Counts when it is not. */
  isWorthDropping(counters: HttpCounters): boolean {
    if (this.#droppedBytes + this.#decoder.remainingBytes <= this.#limits.discardBytes) return true;
    counters.limited.discardBytes += 1;
    return false;
  }

  /** Reads `chunk` from `from` on; its bytes are handed over as one copy, however small the chunks. */
  read(chunk: Buffer, from: number): number {
    const { body } = this;
    const decoder = this.#decoder;
    let copy: Buffer | undefined;
    let size = 0;
    let at = decoder.step(chunk, from);
    while (decoder.outcome === 'data') {
      const start = decoder.dataStart;
      if (!this.#count(at - start)) return at;
      if (!body.isDropping) {
        copy ??= Buffer.allocUnsafe(decoder instanceof LengthDecoder ? at - start : chunk.length - start);
        size += chunk.copy(copy, size, start, at);
      }
      at = decoder.step(chunk, at);
    }
    if (copy !== undefined) body.push(copy.length === size ? copy : copy.subarray(0, size));
    if (decoder.outcome === 'done') this.#complete();
    else if (decoder.failure !== undefined) this.#refuse(decoder.failure);
    return at;
  }

  /** Whether so many more body bytes are acceptable. */
  #count(bytes: number): boolean {
    const { bodyBytes, discardBytes } = this.#limits;
    this.receivedBytes += bytes;
    if (this.receivedBytes > bodyBytes) {
      this.#refuse(bodyTooLarge(bodyBytes));
      return false;
    }
    if (!this.body.isDropping) return true;
    this.#droppedBytes += bytes;
    if (this.#droppedBytes <= discardBytes) return true;
    this.outcome = 'excess';
    return false;
  }

  #complete(): void {
    this.outcome = 'done';
    this.body.complete(this.#decoder.trailers);
  }

  #refuse(failure: HttpRequestError): void {
    this.outcome = 'refused';
    this.failure = failure;
  }
}

/** For a body beyond `limits.bodyBytes`. */
export function bodyTooLarge(limitBytes: number): HttpRequestError {
  return new HttpRequestError('ERR_HTTP_BODY_TOO_LARGE', `a request body may have ${limitBytes} bytes`, {
    limit: 'bodyBytes',
  });
}
