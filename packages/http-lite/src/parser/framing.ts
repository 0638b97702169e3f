/**
 * What the header fields of a request say about its body and its connection: Host, Content-Length, Transfer-Encoding,
 * Connection, Expect and Early-Data.
 *
 * Rule: where two readers could disagree on where a request ends, it is refused (RFC 9112 §6.3, §11.2).
 */

import { HttpRequestError } from '../errors.ts';
import { HTAB, SP } from './char-class.ts';
import type { FieldJudge } from './field-parser.ts';
import { isValidHost } from './host.ts';
import { latin1Text } from './latin1.ts';

/** `continue`: the client waits for `100 Continue`; `unknown`: it expects what we do not know (RFC 9110 §10.1.1). */
export type Expectation = 'none' | 'continue' | 'unknown';

const HOST = lowerCaseName('host');
const EXPECT = lowerCaseName('expect');
const UPGRADE = lowerCaseName('upgrade');
const CONNECTION = lowerCaseName('connection');
const EARLY_DATA = lowerCaseName('early-data');
const CONTENT_LENGTH = lowerCaseName('content-length');
const SPACE_KEEP_ALIVE = lowerCaseName(' keep-alive');
const TRANSFER_ENCODING = lowerCaseName('transfer-encoding');

/** Filled by the parser line by line, judged once by {@link settle}, reset for the next request. */
export class Framing implements FieldJudge {
  /** The announced length, or -1. */
  contentLength = -1;
  chunked = false;
  expectation: Expectation = 'none';
  /** Tokens of Connection. */
  close = false;
  keepAlive = false;
  /** An Upgrade field was there, and Connection names it. */
  upgradeField = false;
  upgradeToken = false;
  /** It came to a proxy as early data (RFC 8470 §5.1). */
  earlyData = false;
  #hosts = 0;

  reset(): void {
    this.contentLength = -1;
    this.chunked = false;
    this.expectation = 'none';
    this.close = false;
    this.keepAlive = false;
    this.upgradeField = false;
    this.upgradeToken = false;
    this.earlyData = false;
    this.#hosts = 0;
  }

  /** Becomes equal to another. */
  assign(other: Framing): void {
    this.contentLength = other.contentLength;
    this.chunked = other.chunked;
    this.expectation = other.expectation;
    this.close = other.close;
    this.keepAlive = other.keepAlive;
    this.upgradeField = other.upgradeField;
    this.upgradeToken = other.upgradeToken;
    this.earlyData = other.earlyData;
    this.#hosts = other.#hosts;
  }

  /** Looks at one header line: its name in `bytes[name, colon)`, its value up to `end`. Returns why it is refused. */
  note(bytes: Buffer, name: number, colon: number, end: number): HttpRequestError | undefined {
    switch (colon - name) {
      case 4:
        return isNamed(bytes, name, HOST) ? this.#noteHost(bytes, colon + 1, end) : undefined;
      case 6:
        return isNamed(bytes, name, EXPECT) ? this.#noteExpect(trimmed(bytes, colon + 1, end)) : undefined;
      case 7:
        if (isNamed(bytes, name, UPGRADE)) this.upgradeField = true;
        return undefined;
      case 10:
        if (isNamed(bytes, name, CONNECTION)) return this.#noteConnection(bytes, colon + 1, end);
        if (isNamed(bytes, name, EARLY_DATA)) this.earlyData = true;
        return undefined;
      case 14:
        if (!isNamed(bytes, name, CONTENT_LENGTH)) return undefined;
        return this.#noteLength(framingValue(bytes, colon + 1, end));
      case 17:
        if (!isNamed(bytes, name, TRANSFER_ENCODING)) return undefined;
        return this.#noteCoding(framingValue(bytes, colon + 1, end));
      default:
        return undefined;
    }
  }

  /** Judges the whole head. Returns why it is refused. */
  settle(minorVersion: number): HttpRequestError | undefined {
    if (this.#hosts === 0 && minorVersion !== 0) {
      return new HttpRequestError('ERR_HTTP_HOST', 'an HTTP/1.1 request needs a Host header (RFC 9112 §3.2)');
    }
    if (!this.chunked) return undefined;
    if (this.contentLength >= 0)
      return refusedCoding('Transfer-Encoding and Content-Length exclude each other');
    if (minorVersion === 0) return refusedCoding('HTTP/1.0 has no Transfer-Encoding');
    return undefined;
  }

  #noteHost(bytes: Buffer, from: number, to: number): HttpRequestError | undefined {
    if (++this.#hosts > 1) return new HttpRequestError('ERR_HTTP_HOST', 'send one Host header, not several');
    let start = from;
    let end = to;
    while (start < end && isBlank(bytes[start])) start++;
    while (end > start && isBlank(bytes[end - 1])) end--;
    if (isValidHost(bytes, start, end)) return undefined;
    return new HttpRequestError('ERR_HTTP_HOST', 'the Host header is not a host name with an optional port');
  }

  #noteExpect(value: string): undefined {
    const met = value.toLowerCase() === '100-continue' && this.expectation !== 'unknown';
    this.expectation = met ? 'continue' : 'unknown';
  }

  #noteConnection(bytes: Buffer, from: number, to: number): undefined {
    // What browsers send with every request is not worth a string.
    if (to - from === SPACE_KEEP_ALIVE.length && isNamed(bytes, from, SPACE_KEEP_ALIVE)) {
      this.keepAlive = true;
      return;
    }
    for (const option of trimmed(bytes, from, to).toLowerCase().split(',')) {
      const token = trimText(option, isBlank);
      if (token === 'close') this.close = true;
      else if (token === 'keep-alive') this.keepAlive = true;
      else if (token === 'upgrade') this.upgradeToken = true;
    }
  }

  /** Equal repetitions are refused as well: whoever sends them has merged two messages once (RFC 9110 §8.6). */
  #noteLength(value: string): HttpRequestError | undefined {
    if (this.contentLength >= 0) return refusedLength('send one Content-Length header, not several');
    if (!/^[0-9]+$/.test(value)) return refusedLength('Content-Length must be one decimal number');
    const length = Number(value);
    if (!Number.isSafeInteger(length)) {
      return new HttpRequestError('ERR_HTTP_BODY_TOO_LARGE', 'no body of that Content-Length is accepted');
    }
    this.contentLength = length;
    return undefined;
  }

  #noteCoding(value: string): HttpRequestError | undefined {
    if (this.chunked) return refusedCoding('send one Transfer-Encoding header, not several');
    const codings = value
      .toLowerCase()
      .split(',')
      .map((coding) => trimText(coding, isSpace));
    if (codings.at(-1) !== 'chunked')
      return refusedCoding('the last transfer coding of a request must be chunked');
    if (codings.indexOf('chunked') < codings.length - 1) return refusedCoding('chunked must be applied once');
    if (codings.includes('')) return refusedCoding('an empty transfer coding is none');
    if (codings.length > 1) {
      return new HttpRequestError(
        'ERR_HTTP_TRANSFER_CODING',
        'chunked is the only transfer coding known here',
      );
    }
    this.chunked = true;
    return undefined;
  }
}

/** Names that mean nothing behind a body, or the wrong thing: no sender may put them there (RFC 9110 §6.5.1). */
const NO_TRAILERS: readonly Uint8Array[] = [HOST, CONNECTION, CONTENT_LENGTH, TRANSFER_ENCODING];

/** Of the fields behind a body: those that frame or route a message are refused, others are dropped. */
export const TRAILER_JUDGE: FieldJudge = {
  note(bytes, name, colon) {
    const size = colon - name;
    if (!NO_TRAILERS.some((known) => known.length === size && isNamed(bytes, name, known))) return undefined;
    const message = 'a trailer must not frame or route the message (RFC 9110 §6.5.1)';
    return new HttpRequestError('ERR_HTTP_HEADER', message);
  },
};

/**
 * Compares without regard to case. Setting bit 5 also makes `-` and SP of two control bytes, which no header line can
 * hold.
 */
function isNamed(bytes: Buffer, at: number, name: Uint8Array): boolean {
  for (let index = 0; index < name.length; index++) {
    if (((bytes[at + index] as number) | 0x20) !== name[index]) return false;
  }
  return true;
}

function lowerCaseName(name: string): Uint8Array {
  return Uint8Array.from(name, (letter) => letter.charCodeAt(0));
}

function isBlank(byte: number | undefined): boolean {
  return byte === SP || byte === HTAB;
}

function isSpace(byte: number | undefined): boolean {
  return byte === SP;
}

/** A value without the optional whitespace around it: SP and HTAB, not what `trim()` takes (RFC 9110 §5.6.3). */
function trimmed(bytes: Buffer, from: number, to: number): string {
  return trimText(latin1Text(bytes, from, to), isBlank);
}

/**
 * A value that says where a message ends, without the spaces around it. A tab is optional whitespace too, but readers who
 * do not take it for one see another value: here it is a part of the value, and refused as such.
 */
function framingValue(bytes: Buffer, from: number, to: number): string {
  return trimText(latin1Text(bytes, from, to), isSpace);
}

/** No expression does this: one that looks for blanks at the end begins anew at each blank inside, and takes its time. */
function trimText(text: string, isOuter: (code: number) => boolean): string {
  let start = 0;
  let end = text.length;
  while (start < end && isOuter(text.charCodeAt(start))) start++;
  while (end > start && isOuter(text.charCodeAt(end - 1))) end--;
  return text.slice(start, end);
}

function refusedLength(message: string): HttpRequestError {
  return new HttpRequestError('ERR_HTTP_CONTENT_LENGTH', `${message} (RFC 9112 §6.3)`);
}

function refusedCoding(message: string): HttpRequestError {
  return new HttpRequestError('ERR_HTTP_TRANSFER_ENCODING', `${message} (RFC 9112 §6)`);
}
