/**
 * The trailer section behind a chunked body (RFC 9112 §7.1.2): read to the same grammar as a head, bounded, and kept as text.
 *
 * Rule: trailers never change how anything is framed, routed or authorised. Those that try are refused, since there are
 * readers who let them, and none is ever merged into the header fields (RFC 9110 §6.5.1).
 */
import { HttpRequestError } from '../errors.ts';
import type { HttpLimits } from '../limits.ts';
import { FieldParser } from './field-parser.ts';
import { TRAILER_JUDGE } from './framing.ts';
import { latin1Text } from './latin1.ts';
import { createScratch, type Scratch } from './scratch.ts';

const INITIAL_BYTES = 256;

export class TrailerParser {
  failure: HttpRequestError | undefined;
  readonly #limitBytes: number;
  readonly #fields: FieldParser;
  #scratch: Scratch;
  #length = 0;

  constructor(limits: HttpLimits) {
    // The empty line that ends the section has to fit, whatever the limit.
    this.#limitBytes = Math.max(limits.chunkOverheadBytes, 4);
    this.#fields = new FieldParser(limits.headerCount);
    this.#scratch = createScratch(Math.min(INITIAL_BYTES, this.#limitBytes & ~3));
    this.#fields.begin(0);
  }

  get state(): 'more' | 'done' | 'failed' {
    if (this.failure !== undefined) return 'failed';
    return this.#fields.state === 'done' ? 'done' : 'more';
  }

  /** The section as Latin-1 text, its empty line included; once `done`. */
  get text(): string {
    return latin1Text(this.#scratch.bytes, 0, this.#length);
  }

  /** Reads `chunk` from `from` on. Returns where it stopped: at the chunk's end, behind the section, or at a fault. */
  read(chunk: Buffer, from: number): number {
    let at = from;
    while (at < chunk.length && this.state === 'more') {
      const start = this.#length;
      if (start === this.#scratch.bytes.length && !this.#grow()) return at;
      const size = Math.min(chunk.length - at, this.#scratch.bytes.length - start);
      chunk.copy(this.#scratch.bytes, start, at, at + size);
      this.#length = this.#fields.read(this.#scratch, start, start + size, TRAILER_JUDGE);
      this.failure = this.#fields.failure;
      at += this.#length - start;
    }
    return at;
  }

  #grow(): boolean {
    const capacity = Math.min(this.#scratch.bytes.length * 2, this.#limitBytes & ~3);
    if (capacity <= this.#length) {
      const message = `a trailer section may have ${this.#limitBytes} bytes`;
      this.failure = new HttpRequestError('ERR_HTTP_HEAD_TOO_LARGE', message, {
        limit: 'chunkOverheadBytes',
      });
      return false;
    }
    const larger = createScratch(capacity);
    this.#scratch.bytes.copy(larger.bytes);
    this.#scratch = larger;
    return true;
  }
}
