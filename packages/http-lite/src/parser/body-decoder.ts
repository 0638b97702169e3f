/**
 * How the bytes of a body are told from the bytes around them: the interface, and the case of a known length.
 *
 * Rule: a decoder takes exactly the bytes of its body; the next byte belongs to the next request.
 */
import type { HttpRequestError } from '../errors.ts';
import type { HttpHeaders } from '../request/headers.ts';

/**
 * What the last step found.
 *
 * - `more`: the chunk is used up, the body is not complete.
 * - `data`: body bytes lie in `chunk[dataStart, returned position)`; step again, from there.
 * - `done`: the body is complete.
 * - `failed`: `failure` says why; nothing behind it can be understood.
 */
export type DecoderOutcome = 'more' | 'data' | 'done' | 'failed';

export interface BodyDecoder {
  readonly outcome: DecoderOutcome;
  readonly dataStart: number;
  readonly failure: HttpRequestError | undefined;
  /** Body bytes still to come as far as it is known: a lower bound. */
  readonly remainingBytes: number;
  /** The trailer section, once `done`; undefined where there can be none. */
  readonly trailers: HttpHeaders | undefined;
  /** Reads on from `at` and stops at the end of one run of body bytes. Returns the position behind what it took. */
  step(chunk: Buffer, at: number): number;
}

/** A body of `Content-Length` bytes. */
export class LengthDecoder implements BodyDecoder {
  outcome: DecoderOutcome = 'more';
  dataStart = 0;
  readonly failure = undefined;
  readonly trailers = undefined;
  remainingBytes: number;

  constructor(lengthBytes: number) {
    this.remainingBytes = lengthBytes;
  }

  step(chunk: Buffer, at: number): number {
    if (this.remainingBytes === 0) {
      this.outcome = 'done';
      return at;
    }
    const size = Math.min(this.remainingBytes, chunk.length - at);
    this.remainingBytes -= size;
    this.dataStart = at;
    this.outcome = size === 0 ? 'more' : 'data';
    return at + size;
  }
}
