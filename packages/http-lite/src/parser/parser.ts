/**
 * The incremental parser of request heads: borrowed chunks in, one head at a time out.
 *
 * Rule: RFC 9112 §2 to §5 to the letter, each byte judged when it arrives and looked at once, whatever the splits. After
 * a failure nothing is parsed any more.
 */

import { HttpRequestError, type HttpRequestErrorCode } from '../errors.ts';
import type { HttpLimits } from '../limits.ts';
import { CR, LF } from './char-class.ts';
import type { FieldSection } from './field-memo.ts';
import { FieldParser } from './field-parser.ts';
import { Framing } from './framing.ts';
import { RequestLine } from './request-line.ts';
import { createScratch, type HeadArena, type Scratch } from './scratch.ts';

/**
 * - `start`: before the first byte of a request line; empty lines may come.
 * - `start-lf`: after the CR of such an empty line.
 * - `line`, `fields`: inside that part of the head.
 * - `done`: a head is complete; its properties are valid until {@link HeadParser.reset}, its memory for ever.
 * - `failed`: {@link HeadParser.failure} says why. Final.
 */
export type HeadState = 'start' | 'start-lf' | 'line' | 'fields' | 'done' | 'failed';

/** Bytes that are copied at a time: most heads need one copy, and little of a body behind a head is copied. */
const PIECE_BYTES = 1024;
/** Empty lines accepted before a request line (RFC 9112 §2.2 wants one at least). */
const MAX_EMPTY_LINES = 4;

export class HeadParser {
  state: HeadState = 'start';
  failure: HttpRequestError | undefined;
  /** The memory that the head is in, from `start` to `end`; all positions are positions in it. */
  memory: Buffer;
  start = 0;
  end = 0;
  /** The first header line. */
  fieldsStart = 0;
  /** The fields, where the very same have been met before. */
  section: FieldSection | undefined = undefined;
  readonly line: RequestLine;
  readonly framing = new Framing();
  readonly #limits: HttpLimits;
  readonly #arena: HeadArena;
  readonly #fields: FieldParser;
  #scratch: Scratch;
  #emptyLines = 0;

  /** `arena` may be shared by any number of parsers. */
  constructor(limits: HttpLimits, arena: HeadArena) {
    this.#limits = limits;
    this.#arena = arena;
    this.#scratch = arena.scratch;
    this.memory = arena.scratch.bytes;
    this.line = new RequestLine(limits.targetBytes);
    this.#fields = new FieldParser(limits.headerCount);
  }

  /** Whether nothing of a head, nor an empty line before it, has arrived. */
  get isFresh(): boolean {
    return this.state === 'start' && this.#emptyLines === 0;
  }

  /** Reads `chunk` from `from` on. Returns where it stopped: at the chunk's end, behind the head, or at a fault. */
  read(chunk: Buffer, from: number): number {
    let at = from;
    if (this.state === 'start' || this.state === 'start-lf') {
      at = this.#readEmptyLines(chunk, from);
      if (this.failure !== undefined) return at;
    }
    while (at < chunk.length) {
      const stop = this.end;
      const size = Math.min(chunk.length - at, PIECE_BYTES, this.#limits.headBytes - stop + this.start);
      if (size === 0) return this.#failTooLarge(at);
      if (stop + size > this.memory.length) {
        this.#moveOut(size);
        continue;
      }
      // Most chunks are one head: those need no view, and `set` is half of what `copy` takes for them.
      if (size === chunk.length) this.memory.set(chunk, stop);
      else chunk.copy(this.memory, stop, at, at + size);
      this.end = this.#scan(stop, stop + size);
      at += this.end - stop;
      if (this.state === 'failed') return at;
      if (this.state !== 'done') continue;
      if (this.#scratch === this.#arena.scratch) this.#arena.commit(this.end);
      return at;
    }
    if (this.end > this.start && this.#scratch === this.#arena.scratch) this.#moveOut(0);
    return at;
  }

  /** Of a head that is done: whether another may follow. What is sent behind a CONNECT may be meant for the tunnel. */
  get keepsAlive(): boolean {
    if (this.framing.close || this.line.method === 'CONNECT') return false;
    return this.line.minorVersion !== 0 || this.framing.keepAlive;
  }

  /** Makes ready for the next head of the same connection, or of another. */
  reset(): void {
    this.state = 'start';
    this.failure = undefined;
    this.start = 0;
    this.end = 0;
    this.#emptyLines = 0;
    this.line.method = '';
    this.section = undefined;
    this.framing.reset();
  }

  #readEmptyLines(chunk: Buffer, from: number): number {
    let at = from;
    for (; at < chunk.length; at++) {
      const byte = chunk[at];
      if (this.state === 'start-lf') {
        if (byte !== LF) return this.#fail(at, 'ERR_HTTP_REQUEST_LINE', 'a CR must be followed by LF');
        this.state = 'start';
      } else if (byte === CR && this.#emptyLines < MAX_EMPTY_LINES) {
        this.#emptyLines++;
        this.state = 'start-lf';
      } else {
        this.#begin();
        return at;
      }
    }
    return at;
  }

  #begin(): void {
    const arena = this.#arena;
    arena.reserve(PIECE_BYTES);
    if (this.#scratch !== arena.scratch) {
      this.#scratch = arena.scratch;
      this.memory = arena.scratch.bytes;
    }
    this.start = arena.position;
    this.end = arena.position;
    this.line.begin(this.start);
    this.state = 'line';
  }

  #scan(from: number, to: number): number {
    let at = from;
    if (this.state === 'line') {
      at = this.line.read(this.#scratch, from, to);
      if (this.line.state === 'failed') return this.#refuse(at, this.line.failure);
      if (this.line.state !== 'done') return at;
      this.fieldsStart = at;
      const known = this.#arena.memo.find(this.#scratch, at, to);
      if (known !== undefined) {
        this.framing.assign(known.framing);
        this.section = known.section;
        return this.#settle(to);
      }
      this.#fields.begin(at);
      this.state = 'fields';
    }
    at = this.#fields.read(this.#scratch, at, to, this.framing);
    if (this.#fields.state === 'failed') return this.#refuse(at, this.#fields.failure);
    if (this.#fields.state !== 'done') return at;
    this.#settle(at);
    // A section that ends a chunk is one that a comparison can find. One that is refused is not kept in memory.
    if (at === to && this.state === 'done') {
      this.#arena.memo.remember(this.#scratch, this.fieldsStart, to, this.framing);
    }
    return at;
  }

  #settle(at: number): number {
    const failure = this.framing.settle(this.line.minorVersion);
    if (failure !== undefined) return this.#refuse(at, failure);
    this.state = 'done';
    return at;
  }

  /** Gives an unfinished head memory of its own, with room for `size` more bytes at least. */
  #moveOut(size: number): void {
    const length = this.end - this.start;
    const scratch = createScratch((length + size) * 2);
    this.memory.copy(scratch.bytes, 0, this.start, this.end);
    this.line.move(-this.start);
    this.#fields.move(-this.start);
    this.fieldsStart -= this.start;
    this.start = 0;
    this.end = length;
    this.#scratch = scratch;
    this.memory = scratch.bytes;
  }

  #failTooLarge(at: number): number {
    const { headBytes } = this.#limits;
    const isLine = this.state === 'line';
    const code = isLine ? 'ERR_HTTP_TARGET_TOO_LONG' : 'ERR_HTTP_HEAD_TOO_LARGE';
    const message = `a request ${isLine ? 'line' : 'head'} may have ${headBytes} bytes`;
    return this.#refuse(at, new HttpRequestError(code, message, { limit: 'headBytes' }));
  }

  #fail(at: number, code: HttpRequestErrorCode, message: string): number {
    return this.#refuse(at, new HttpRequestError(code, message));
  }

  #refuse(at: number, failure: HttpRequestError | undefined): number {
    this.state = 'failed';
    this.failure = failure;
    return at;
  }
}
