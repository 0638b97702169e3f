/**
 * The chunked transfer coding (RFC 9112 §7.1): chunk lines, extensions and trailers.
 *
 * Rule: strict, since looseness here is request smuggling. Sizes are hexadecimal digits and do not overflow, each line
 * ends with CRLF, and everything that is not body is bounded.
 */

import { HttpRequestError } from '../errors.ts';
import type { HttpLimits } from '../limits.ts';
import { HttpHeaders } from '../request/headers.ts';
import type { BodyDecoder, DecoderOutcome } from './body-decoder.ts';
import { CR, HEX_VALUE, LF } from './char-class.ts';
import { ChunkExtension } from './chunk-extension.ts';
import { TrailerParser } from './trailer-parser.ts';

/**
 * - `size`: before or inside the digits.
 * - `extension`: behind the digits.
 * - `size-lf`: after the CR of a chunk line.
 * - `data`: inside chunk data.
 * - `data-cr`, `data-lf`: at the CRLF behind chunk data.
 * - `trailers`: behind the last chunk.
 */
type ChunkState = 'size' | 'extension' | 'size-lf' | 'data' | 'data-cr' | 'data-lf' | 'trailers';

/** Leading zeros count too. 13 digits hold every safe integer's worth of body. */
const MAX_SIZE_DIGITS = 16;

export class ChunkedDecoder implements BodyDecoder {
  outcome: DecoderOutcome = 'more';
  dataStart = 0;
  failure: HttpRequestError | undefined;
  remainingBytes = 0;
  #state: ChunkState = 'size';
  #digits = 0;
  #extensionBytes = 0;
  readonly #extension = new ChunkExtension();
  #trailers: TrailerParser | undefined;
  readonly #limits: HttpLimits;

  constructor(limits: HttpLimits) {
    this.#limits = limits;
  }

  step(chunk: Buffer, from: number): number {
    this.outcome = 'more';
    let at = from;
    while (at < chunk.length) {
      if (this.#state === 'trailers') return this.#readTrailers(chunk, at);
      if (this.#state === 'data') return this.#takeData(chunk, at);
      const fault = this.#readByte(chunk[at] as number);
      if (fault !== undefined) return this.#refuse(at, malformed(fault));
      at++;
    }
    return at;
  }

  get trailers(): HttpHeaders | undefined {
    // A CRLF stands before each line that HttpHeaders reads.
    return this.#trailers === undefined ? undefined : new HttpHeaders(`\r\n${this.#trailers.text}`, 2);
  }

  #takeData(chunk: Buffer, at: number): number {
    const size = Math.min(this.remainingBytes, chunk.length - at);
    this.remainingBytes -= size;
    if (this.remainingBytes === 0) this.#state = 'data-cr';
    this.dataStart = at;
    this.outcome = 'data';
    return at + size;
  }

  /** One byte of what is not data. Returns what is wrong with it. */
  #readByte(byte: number): string | undefined {
    switch (this.#state) {
      case 'size':
        return this.#readSize(byte);
      case 'extension':
        return this.#readExtension(byte);
      case 'size-lf':
        if (byte !== LF) return 'a CR must be followed by LF';
        this.#state = this.remainingBytes === 0 ? 'trailers' : 'data';
        return undefined;
      case 'data-cr':
        if (byte !== CR) return 'chunk data is longer than its size, or does not end with CRLF';
        this.#state = 'data-lf';
        return undefined;
      default:
        if (byte !== LF) return 'a CR must be followed by LF';
        this.#state = 'size';
        this.#digits = 0;
        this.#extension.begin();
        return undefined;
    }
  }

  #readSize(byte: number): string | undefined {
    const value = HEX_VALUE[byte] as number;
    if (value === 255)
      return this.#digits === 0 ? 'a chunk size is a hexadecimal number' : this.#readExtension(byte);
    this.remainingBytes = this.remainingBytes * 16 + value;
    this.#digits++;
    if (this.#digits > MAX_SIZE_DIGITS || !Number.isSafeInteger(this.remainingBytes))
      return 'a chunk size is too large';
    return undefined;
  }

  #readExtension(byte: number): string | undefined {
    if (byte === CR && this.#extension.isWhole) {
      this.#state = 'size-lf';
      return undefined;
    }
    if (++this.#extensionBytes > this.#limits.chunkOverheadBytes) return TOO_MANY_EXTENSIONS;
    if (this.#extension.accept(byte)) {
      this.#state = 'extension';
      return undefined;
    }
    return this.#state === 'size'
      ? 'a chunk size is followed by an extension or by CRLF'
      : 'a chunk extension is malformed';
  }

  #readTrailers(chunk: Buffer, from: number): number {
    this.#trailers ??= new TrailerParser(this.#limits);
    const at = this.#trailers.read(chunk, from);
    if (this.#trailers.state === 'done') this.outcome = 'done';
    return this.#trailers.failure === undefined ? at : this.#refuse(at, this.#trailers.failure);
  }

  #refuse(at: number, failure: HttpRequestError): number {
    this.outcome = 'failed';
    this.failure = failure;
    return at;
  }
}

function malformed(fault: string): HttpRequestError {
  const options = fault === TOO_MANY_EXTENSIONS ? ({ limit: 'chunkOverheadBytes' } as const) : {};
  return new HttpRequestError('ERR_HTTP_CHUNK', `${fault} (RFC 9112 §7.1)`, options);
}

const TOO_MANY_EXTENSIONS = 'there are too many chunk extensions';
