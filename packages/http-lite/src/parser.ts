/**
 * The incremental parser of request heads: borrowed chunks in, one head at a time out.
 *
 * Rule: RFC 9112 §2 to §5 to the letter, each byte judged when it arrives and looked at once, whatever the splits. After
 * a failure nothing is parsed any more.
 */
import { CR, LF, SP, TARGET, TOKEN } from './char-class.ts';
import { HttpRequestError, type RequestErrorCode } from './errors.ts';
import { FieldParser } from './field-parser.ts';
import { Framing } from './framing.ts';
import { latin1Text } from './latin1.ts';
import type { HttpLimits } from './limits.ts';
import { GET_WORD, methodName } from './method.ts';
import { createScratch, type HeadArena, type Scratch } from './scratch.ts';

/**
 * - `start`: before the first byte of a request line; empty lines may come.
 * - `start-lf`: after the CR of such an empty line.
 * - `method`, `target`, `version`, `fields`: inside that part of the head.
 * - `done`: a head is complete; its properties are valid until {@link HeadParser.reset}, its memory for ever.
 * - `failed`: {@link HeadParser.failure} says why. Final.
 */
export type HeadState = 'start' | 'start-lf' | 'method' | 'target' | 'version' | 'fields' | 'done' | 'failed';

/** Bytes that are copied at a time: most heads need one copy, and little of a body behind a head is copied. */
const PIECE_BYTES = 1024;
/** Empty lines accepted before a request line (RFC 9112 §2.2 wants one at least). */
const MAX_EMPTY_LINES = 4;
const MAX_METHOD_BYTES = 32;
/** Absolute-form targets that are accepted (RFC 9112 §3.2.2). */
const ABSOLUTE_FORM = /^https?:\/\/[^/?]/i;
const VERSION = Buffer.from('HTTP/1.1\r\n', 'latin1');
const VERSION_MAJOR = 5;
const VERSION_MINOR = 7;
const SLASH = 0x2f;
const ZERO = 0x30;
const ONE = 0x31;
const NINE = 0x39;

export class HeadParser {
  state: HeadState = 'start';
  failure: HttpRequestError | undefined;
  method = '';
  /** The memory that the head is in, from `start` to `end`; the positions below are positions in it. */
  memory: Buffer;
  start = 0;
  end = 0;
  targetStart = 0;
  targetEnd = 0;
  /** The first header line. */
  fieldsStart = 0;
  /** 0 or 1; a higher minor version is served as 1 (RFC 9110 §2.5). */
  minorVersion = 1;
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
    this.#fields = new FieldParser(limits.headerCount);
  }

  /** Whether nothing of a head, nor an empty line before it, has arrived. */
  get isFresh(): boolean {
    return this.state === 'start' && this.#emptyLines === 0;
  }

  /** Reads `chunk` from `from` on. Returns where it stopped: at the chunk's end, behind the head, or at a fault. */
  read(chunk: Buffer, from: number): number {
    let at = this.state === 'start' || this.state === 'start-lf' ? this.#readEmptyLines(chunk, from) : from;
    while (at < chunk.length) {
      const stop = this.end;
      const size = Math.min(chunk.length - at, PIECE_BYTES, this.#limits.headBytes - stop + this.start);
      if (size === 0) return this.#failTooLarge(at);
      if (stop + size > this.memory.length) {
        this.#moveOut(size);
        continue;
      }
      chunk.copy(this.memory, stop, at, at + size);
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

  /** Makes ready for the next head of the same connection, or of another. */
  reset(): void {
    this.state = 'start';
    this.failure = undefined;
    this.start = 0;
    this.end = 0;
    this.#emptyLines = 0;
    this.framing.reset();
  }

  #begin(): void {
    const arena = this.#arena;
    arena.reserve(PIECE_BYTES);
    this.#scratch = arena.scratch;
    this.memory = arena.scratch.bytes;
    this.start = arena.position;
    this.end = arena.position;
    this.state = 'method';
  }

  /** Gives an unfinished head memory of its own, with room for `size` more bytes at least. */
  #moveOut(size: number): void {
    const length = this.end - this.start;
    const scratch = createScratch((length + size) * 2);
    this.memory.copy(scratch.bytes, 0, this.start, this.end);
    this.#fields.move(-this.start);
    this.targetStart -= this.start;
    this.targetEnd -= this.start;
    this.fieldsStart -= this.start;
    this.start = 0;
    this.end = length;
    this.#scratch = scratch;
    this.memory = scratch.bytes;
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

  #scan(from: number, to: number): number {
    let at = from;
    if (this.state === 'method') at = this.#readMethod(at, to);
    if (this.state === 'target') at = this.#readTarget(at, to);
    if (this.state === 'version') at = this.#readVersion(at, to);
    if (this.state === 'fields') at = this.#readFields(at, to);
    return at;
  }

  #readMethod(from: number, to: number): number {
    const { start } = this;
    if (from === start && to >= start + 4 && this.#scratch.words[start >> 2] === GET_WORD) {
      return this.#endMethod('GET', start + 3);
    }
    const bytes = this.memory;
    let at = from;
    while (at < to && TOKEN[bytes[at] as number] === 1) at++;
    if (at - start > MAX_METHOD_BYTES) return this.#fail(at, 'ERR_HTTP_METHOD', 'no method is that long');
    if (at === to) return at;
    if (bytes[at] !== SP || at === start) {
      return this.#fail(at, 'ERR_HTTP_REQUEST_LINE', 'a request line begins with a method and one space');
    }
    return this.#endMethod(methodName(this.#scratch, start, at), at);
  }

  #endMethod(method: string, at: number): number {
    this.method = method;
    if (method === 'CONNECT') {
      return this.#fail(
        at,
        'ERR_HTTP_METHOD',
        'this is an origin server; it opens no tunnels (RFC 9110 §9.3.6)',
      );
    }
    this.targetStart = at + 1;
    this.state = 'target';
    return at + 1;
  }

  #readTarget(from: number, to: number): number {
    const bytes = this.memory;
    let at = from;
    while (at < to && TARGET[bytes[at] as number] === 1) at++;
    if (at - this.targetStart > this.#limits.targetBytes) return this.#failTooLarge(at);
    if (at === to) return at;
    if (bytes[at] !== SP) {
      return this.#fail(
        at,
        'ERR_HTTP_REQUEST_LINE',
        'a target holds visible ASCII only and ends with one space',
      );
    }
    this.targetEnd = at;
    if (bytes[this.targetStart] !== SLASH && !this.#isOtherTarget()) {
      return this.#fail(
        at,
        'ERR_HTTP_REQUEST_LINE',
        'a target is a path, an absolute http(s) URI, or * for OPTIONS',
      );
    }
    this.state = 'version';
    return at + 1;
  }

  #isOtherTarget(): boolean {
    const target = latin1Text(this.memory, this.targetStart, this.targetEnd);
    return ABSOLUTE_FORM.test(target) || (target === '*' && this.method === 'OPTIONS');
  }

  /** `HTTP/` digit `.` digit CRLF, and nothing looser (RFC 9112 §2.3). */
  #readVersion(from: number, to: number): number {
    const bytes = this.memory;
    const start = this.targetEnd + 1;
    if (from === start && to - start >= VERSION.length && isHttp11(bytes, start)) {
      return this.#endRequestLine(start + VERSION.length, ONE, ONE);
    }
    for (let at = from; at < to; at++) {
      const byte = bytes[at] as number;
      const index = at - start;
      if (byte !== VERSION[index] && !this.#isVersionDigit(byte, index)) {
        return this.#fail(at, 'ERR_HTTP_REQUEST_LINE', 'a request line ends with HTTP/1.1 and CRLF');
      }
      if (byte === LF)
        return this.#endRequestLine(at + 1, bytes[start + VERSION_MAJOR], bytes[start + VERSION_MINOR]);
    }
    return to;
  }

  #isVersionDigit(byte: number, index: number): boolean {
    return (index === VERSION_MAJOR || index === VERSION_MINOR) && byte >= ZERO && byte <= NINE;
  }

  #endRequestLine(at: number, major: number | undefined, minor: number | undefined): number {
    if (major !== ONE) {
      return this.#fail(at, 'ERR_HTTP_VERSION', 'this server speaks HTTP/1.1 and HTTP/1.0');
    }
    this.minorVersion = minor === ZERO ? 0 : 1;
    this.fieldsStart = at;
    this.#fields.begin(at);
    this.state = 'fields';
    return at;
  }

  #readFields(from: number, to: number): number {
    const at = this.#fields.read(this.#scratch, from, to, this.framing);
    if (this.#fields.state === 'failed') return this.#refuse(at, this.#fields.failure);
    if (this.#fields.state !== 'done') return at;
    const failure = this.framing.settle(this.minorVersion);
    if (failure !== undefined) return this.#refuse(at, failure);
    this.state = 'done';
    return at;
  }

  #failTooLarge(at: number): number {
    if (this.state === 'fields') {
      const message = `a request head may have ${this.#limits.headBytes} bytes`;
      return this.#fail(at, 'ERR_HTTP_HEAD_TOO_LARGE', message);
    }
    return this.#fail(at, 'ERR_HTTP_TARGET_TOO_LONG', `a target may have ${this.#limits.targetBytes} bytes`);
  }

  #fail(at: number, code: RequestErrorCode, message: string): number {
    return this.#refuse(at, new HttpRequestError(code, message));
  }

  #refuse(at: number, failure: HttpRequestError | undefined): number {
    this.state = 'failed';
    this.failure = failure;
    return at;
  }
}

/** Whether {@link VERSION} stands at `at`. Spelled out: a loop costs three times as much. */
function isHttp11(bytes: Buffer, at: number): boolean {
  return (
    bytes[at] === 0x48 &&
    bytes[at + 1] === 0x54 &&
    bytes[at + 2] === 0x54 &&
    bytes[at + 3] === 0x50 &&
    bytes[at + 4] === 0x2f &&
    bytes[at + 5] === ONE &&
    bytes[at + 6] === 0x2e &&
    bytes[at + 7] === ONE &&
    bytes[at + 8] === CR &&
    bytes[at + 9] === LF
  );
}
