/**
 * The grammar of a request line: `method SP request-target SP HTTP-version CRLF` (RFC 9112 §3).
 *
 * Rule: to the letter. One space, not a blank; CRLF, not a line end; and of targets only those that the method may have.
 */

import { HttpRequestError, type HttpRequestErrorCode } from '../errors.ts';
import { CR, LF, SP, TARGET, TOKEN } from './char-class.ts';
import { GET_WORD, methodName } from './method.ts';
import type { Scratch } from './scratch.ts';
import { isTargetOf } from './target-form.ts';

/** The part that the next byte belongs to. `done` and `failed` are final. */
type LineState = 'method' | 'target' | 'version' | 'done' | 'failed';

/** RFC 9110 §9 registers none longer than 16; beyond this, one is refused before it ends. */
const MAX_METHOD_BYTES = 32;
const VERSION = Buffer.from('HTTP/1.1\r\n', 'latin1');
const VERSION_MAJOR = 5;
const VERSION_MINOR = 7;
/** `GET / HTTP/1.1` and its CRLF. */
const MIN_COMMON_BYTES = 16;
const SLASH = 0x2f;
const ZERO = 0x30;
const ONE = 0x31;
const NINE = 0x39;

/** One request line in a {@link Scratch}; may be left and taken up at any byte. */
export class RequestLine {
  state: LineState = 'method';
  failure: HttpRequestError | undefined;
  /** Empty until it is known. */
  method = '';
  targetStart = 0;
  targetEnd = 0;
  /** 0 or 1; a higher minor version is served as 1 (RFC 9110 §2.5). */
  minorVersion = 1;
  readonly #maxTargetBytes: number;
  #start = 0;

  constructor(maxTargetBytes: number) {
    this.#maxTargetBytes = maxTargetBytes;
  }

  /** A new line that begins at `start`, a word's border. */
  begin(start: number): void {
    this.state = 'method';
    this.failure = undefined;
    this.#start = start;
  }

  /** The bytes were moved by `distance`. */
  move(distance: number): void {
    this.#start += distance;
    this.targetStart += distance;
    this.targetEnd += distance;
  }

  /** Reads `[from, to)` and returns where it stopped: at `to`, behind the line, or at a fault. */
  read(scratch: Scratch, from: number, to: number): number {
    let at = from === this.#start ? this.#tryCommonLine(scratch, from, to) : from;
    if (this.state === 'method') at = this.#readMethod(scratch, at, to);
    if (this.state === 'target') at = this.#readTarget(scratch.bytes, at, to);
    if (this.state === 'version') at = this.#readVersion(scratch.bytes, at, to);
    return at;
  }

  /** The line that nearly all requests have, `GET /… HTTP/1.1`, in one go; changes nothing when it is another. */
  #tryCommonLine({ bytes, words }: Scratch, start: number, to: number): number {
    if (to - start < MIN_COMMON_BYTES || words[start >> 2] !== GET_WORD || bytes[start + 4] !== SLASH)
      return start;
    let at = start + 5;
    while (at < to && TARGET[bytes[at] as number] === 1) at++;
    if (to - at <= VERSION.length || bytes[at] !== SP || !isHttp11(bytes, at + 1)) return start;
    if (at - start - 4 > this.#maxTargetBytes) return start;
    this.method = 'GET';
    this.targetStart = start + 4;
    this.targetEnd = at;
    this.minorVersion = 1;
    this.state = 'done';
    return at + 1 + VERSION.length;
  }

  #readMethod(scratch: Scratch, from: number, to: number): number {
    const { bytes } = scratch;
    let at = from;
    while (at < to && TOKEN[bytes[at] as number] === 1) at++;
    if (at - this.#start > MAX_METHOD_BYTES)
      return this.#fail(at, 'ERR_HTTP_METHOD', 'no method is that long');
    if (at === to) return at;
    if (bytes[at] !== SP || at === this.#start)
      return this.#fail(at, LINE, 'it begins with a method and one space');
    this.method = methodName(scratch, this.#start, at);
    this.targetStart = at + 1;
    this.state = 'target';
    return at + 1;
  }

  #readTarget(bytes: Buffer, from: number, to: number): number {
    let at = from;
    while (at < to && TARGET[bytes[at] as number] === 1) at++;
    if (at - this.targetStart > this.#maxTargetBytes) {
      this.state = 'failed';
      const message = `a target may have ${this.#maxTargetBytes} bytes`;
      this.failure = new HttpRequestError('ERR_HTTP_TARGET_TOO_LONG', message, { limit: 'targetBytes' });
      return at;
    }
    if (at === to) return at;
    if (bytes[at] !== SP)
      return this.#fail(at, LINE, 'its target holds visible ASCII only and ends with one space');
    this.targetEnd = at;
    if (!isTargetOf(this.method, bytes, this.targetStart, at))
      return this.#fail(at, LINE, this.#targetFault());
    this.state = 'version';
    return at + 1;
  }

  #targetFault(): string {
    return this.method === 'CONNECT'
      ? 'the target of CONNECT is a host and a port'
      : 'its target is a path, an absolute http(s) URI, or * for OPTIONS';
  }

  /** `HTTP/` digit `.` digit CRLF, and nothing looser (RFC 9112 §2.3). */
  #readVersion(bytes: Buffer, from: number, to: number): number {
    const start = this.targetEnd + 1;
    for (let at = from; at < to; at++) {
      const byte = bytes[at] as number;
      const index = at - start;
      if (byte !== VERSION[index] && !isVersionDigit(byte, index)) {
        return this.#fail(at, LINE, 'it ends with HTTP/1.1 and CRLF');
      }
      if (byte === LF)
        return this.#endVersion(at + 1, bytes[start + VERSION_MAJOR], bytes[start + VERSION_MINOR]);
    }
    return to;
  }

  #endVersion(at: number, major: number | undefined, minor: number | undefined): number {
    if (major !== ONE) return this.#fail(at, 'ERR_HTTP_VERSION', 'this server speaks HTTP/1.1 and HTTP/1.0');
    this.minorVersion = minor === ZERO ? 0 : 1;
    this.state = 'done';
    return at;
  }

  #fail(at: number, code: HttpRequestErrorCode, message: string): number {
    this.state = 'failed';
    const text = code === LINE ? `the request line is malformed: ${message} (RFC 9112 §3)` : message;
    this.failure = new HttpRequestError(code, text);
    return at;
  }
}

const LINE = 'ERR_HTTP_REQUEST_LINE';

function isVersionDigit(byte: number, index: number): boolean {
  return (index === VERSION_MAJOR || index === VERSION_MINOR) && byte >= ZERO && byte <= NINE;
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
