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
import type { HttpLimits } from './limits.ts';
import { methodName } from './method.ts';
import type { Scratch } from './scratch.ts';

/**
 * - `start`: before the first byte of a request line; empty lines may come.
 * - `start-lf`: after the CR of such an empty line.
 * - `method`, `target`, `version`, `fields`: inside that part of the head.
 * - `done`: a head is complete; its properties are valid until {@link HeadParser.reset}.
 * - `failed`: {@link HeadParser.failure} says why. Final.
 */
export type HeadState = 'start' | 'start-lf' | 'method' | 'target' | 'version' | 'fields' | 'done' | 'failed';

/** Bytes that are copied into the scratch at a time: most heads need one copy, and a body behind a head is not copied. */
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

export class HeadParser {
  state: HeadState = 'start';
  failure: HttpRequestError | undefined;
  method = '';
  /** The target is `text.slice(targetStart, targetEnd)`. */
  targetStart = 0;
  targetEnd = 0;
  /** 0 or 1; a higher minor version is served as 1 (RFC 9110 §2.5). */
  minorVersion = 1;
  /** The header lines begin here in the text. */
  fieldsStart = 0;
  readonly framing = new Framing();
  readonly #limits: HttpLimits;
  readonly #scratch: Scratch;
  readonly #fields: FieldParser;
  /** Bytes of this head in the scratch. */
  #length = 0;
  #majorDigit = 0;
  #minorDigit = 0;
  #emptyLines = 0;
  /** The head so far, while it waits for the rest. */
  #kept: Buffer | undefined;

  /** `scratch` may be shared by any number of parsers; it must hold `limits.headBytes`. */
  constructor(limits: HttpLimits, scratch: Scratch) {
    this.#limits = limits;
    this.#scratch = scratch;
    this.#fields = new FieldParser(limits.headerCount);
  }

  /** Whether nothing of a head, nor an empty line before it, has arrived. */
  get isFresh(): boolean {
    return this.state === 'start' && this.#emptyLines === 0;
  }

  /** Reads `chunk` from `from` on. Returns where it stopped: at the chunk's end, behind the head, or at a fault. */
  read(chunk: Buffer, from: number): number {
    let at = this.state === 'start' || this.state === 'start-lf' ? this.#readEmptyLines(chunk, from) : from;
    if (this.#kept !== undefined) this.#kept.copy(this.#scratch.bytes);
    while (at < chunk.length) {
      if (this.state === 'failed') return at;
      const start = this.#length;
      const size = Math.min(chunk.length - at, PIECE_BYTES, this.#limits.headBytes - start);
      if (size === 0) return this.#failTooLarge(at);
      chunk.copy(this.#scratch.bytes, start, at, at + size);
      const stop = this.#scan(start, start + size);
      this.#length = stop;
      at += stop - start;
      if (this.state === 'done') return at;
    }
    if (this.#length > 0) this.#kept = Buffer.from(this.#scratch.bytes.subarray(0, this.#length));
    return at;
  }

  /** The complete head as Latin-1 text. Valid to call until anything else is parsed in the same scratch. */
  text(): string {
    return this.#scratch.bytes.latin1Slice(0, this.#length);
  }

  /** Makes ready for the next head of the same connection, or of another. */
  reset(): void {
    this.state = 'start';
    this.failure = undefined;
    this.#length = 0;
    this.#emptyLines = 0;
    this.#kept = undefined;
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
        this.state = 'method';
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
    const bytes = this.#scratch.bytes;
    let at = from;
    while (at < to && TOKEN[bytes[at] as number] === 1) at++;
    if (at > MAX_METHOD_BYTES)
      return this.#fail(at, 'ERR_HTTP_METHOD', 'a method of that length is not known here');
    if (at === to) return at;
    if (bytes[at] !== SP || at === 0) {
      return this.#fail(at, 'ERR_HTTP_REQUEST_LINE', 'a request line begins with a method and one space');
    }
    this.method = methodName(this.#scratch, at);
    if (this.method === 'CONNECT') {
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
    const bytes = this.#scratch.bytes;
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
    const target = this.#scratch.bytes.latin1Slice(this.targetStart, this.targetEnd);
    return ABSOLUTE_FORM.test(target) || (target === '*' && this.method === 'OPTIONS');
  }

  /** `HTTP/` digit `.` digit CRLF, and nothing looser (RFC 9112 §2.3). */
  #readVersion(from: number, to: number): number {
    const bytes = this.#scratch.bytes;
    const start = this.targetEnd + 1;
    for (let at = from; at < to; at++) {
      const byte = bytes[at] as number;
      const index = at - start;
      if (byte !== VERSION[index] && !this.#isVersionDigit(byte, index)) {
        return this.#fail(at, 'ERR_HTTP_REQUEST_LINE', 'a request line ends with HTTP/1.1 and CRLF');
      }
      if (index === VERSION_MAJOR) this.#majorDigit = byte;
      if (index === VERSION_MINOR) this.#minorDigit = byte;
      if (byte === LF) return this.#endRequestLine(at + 1);
    }
    return to;
  }

  #isVersionDigit(byte: number, index: number): boolean {
    return (index === VERSION_MAJOR || index === VERSION_MINOR) && byte >= 0x30 && byte <= 0x39;
  }

  #endRequestLine(at: number): number {
    if (this.#majorDigit !== 0x31) {
      return this.#fail(at, 'ERR_HTTP_VERSION', 'this server speaks HTTP/1.1 and HTTP/1.0');
    }
    this.minorVersion = this.#minorDigit === 0x30 ? 0 : 1;
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
