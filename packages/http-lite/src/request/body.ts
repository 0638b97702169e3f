/**
 * The body of a request as its handler reads it: an async iterable with backpressure, or collected.
 *
 * Rule: bytes are handed out once, to one reader, as copies that it owns; a body that is not whole never looks whole.
 */
import { HttpRequestError, HttpUsageError } from '../errors.ts';
import type { HttpHeaders } from './headers.ts';

/**
 * A request body. One reader, once: iterate it, or collect it with `bytes()`, `text()` or `json()`. A second attempt throws
 * `ERR_HTTP_BODY_USED`.
 *
 * Reading rejects with {@link HttpPeerError} `ERR_HTTP_BODY_TRUNCATED` when the peer ends its side too early,
 * `ERR_HTTP_PEER_GONE` when the connection closes, with {@link HttpRequestError} when the body breaks the grammar or a
 * limit, and with {@link HttpUsageError} `ERR_HTTP_BODY_DISCARDED` when the answer ended before reading began.
 *
 * The first read sends `100 Continue` to a client that waits for it (RFC 9110 §10.1.1). A body that is never read is
 * dropped after the answer, up to `limits.discardBytes`; a longer one costs the connection.
 */
export interface RequestBody extends AsyncIterable<Buffer> {
  /** Pieces as they arrive, owned by the reader. Leaving the loop early drops the rest. */
  [Symbol.asyncIterator](): AsyncGenerator<Buffer, void, undefined>;
  /** The whole body. Rejects with `ERR_HTTP_BODY_TOO_LARGE` beyond `limitBytes` (default `limits.collectBytes`). */
  bytes(limitBytes?: number): Promise<Buffer>;
  /** The whole body as UTF-8; malformed sequences become U+FFFD. Otherwise as `bytes()`. */
  text(limitBytes?: number): Promise<string>;
  /**
   * The whole body, which has to be JSON in UTF-8 (RFC 8259 §8.1), whatever its Content-Type says. Rejects with
   * {@link HttpRequestError} `ERR_HTTP_BODY_JSON` when it is not, which answers 400. Otherwise as `bytes()`.
   */
  json(limitBytes?: number): Promise<unknown>;
}

/** What a body asks of the connection that fills it. */
export interface BodyOwner {
  /** Somebody has begun to read: the client may be told to go on. */
  bodyAsked(): void;
  /** Waiting bytes were taken, or will not be: reading may go on. */
  bodyTaken(): void;
  /** What is collected exceeds its limit. */
  collectRefused(): void;
}

/**
 * - `none`: nobody asked yet.
 * - `reading`: one reader is at it.
 * - `left`: the reader has the whole body, or gave up; what arrives is dropped.
 * - `discarded`: the answer ended with no reader; what arrives is dropped.
 */
type Reader = 'none' | 'reading' | 'left' | 'discarded';
/** What a waiting piece costs beside its bytes; without it, a peer that sends single bytes would cost far more. */
const PIECE_OVERHEAD_BYTES = 128;
/** `open`: more is to come; `complete`: all is here; `failed`: no more comes, and it is not whole. */
type Source = 'open' | 'complete' | 'failed';

export class Body implements RequestBody {
  /** Memory held by what waits for the reader. */
  bufferedBytes = 0;
  reader: Reader = 'none';
  /** Undefined until all has arrived, and where there can be none. */
  trailers: HttpHeaders | undefined = undefined;
  #source: Source;
  #failure: Error | undefined;
  #queue: Buffer[] = [];
  #wake: (() => void) | undefined;
  readonly #owner: BodyOwner | undefined;
  readonly #collectBytes: number;

  /** Without an owner: a body that is empty and complete. */
  constructor(owner: BodyOwner | undefined, collectBytes: number) {
    this.#owner = owner;
    this.#collectBytes = collectBytes;
    this.#source = owner === undefined ? 'complete' : 'open';
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Buffer, void, undefined> {
    this.#begin();
    try {
      for (;;) {
        const piece = this.#take() ?? (await this.#arrival());
        if (piece === undefined) return;
        yield piece;
      }
    } finally {
      this.#leave('left');
    }
  }

  bytes(limitBytes?: number): Promise<Buffer> {
    return this.collect(this, limitBytes);
  }

  /** As {@link bytes}, of `source`: this body's iterator, which who began it can end. */
  async collect(source: AsyncIterable<Buffer>, limitBytes: number = this.#collectBytes): Promise<Buffer> {
    const pieces: Buffer[] = [];
    let total = 0;
    for await (const piece of source) {
      total += piece.length;
      if (total > limitBytes) {
        this.#owner?.collectRefused();
        throw new HttpRequestError('ERR_HTTP_BODY_TOO_LARGE', tooLargeToCollect(limitBytes));
      }
      pieces.push(piece);
    }
    const [first] = pieces;
    return pieces.length === 1 && first !== undefined ? first : Buffer.concat(pieces, total);
  }

  async text(limitBytes?: number): Promise<string> {
    return (await this.bytes(limitBytes)).toString('utf8');
  }

  async json(limitBytes?: number): Promise<unknown> {
    const bytes = await this.bytes(limitBytes);
    try {
      return JSON.parse(STRICT_UTF8.decode(bytes)) as unknown;
    } catch (cause) {
      throw new HttpRequestError('ERR_HTTP_BODY_JSON', 'the body is not JSON in UTF-8', { cause });
    }
  }

  /** Called by the connection: `piece` is owned. */
  push(piece: Buffer): void {
    this.#queue.push(piece);
    this.bufferedBytes += piece.length + PIECE_OVERHEAD_BYTES;
    this.#notify();
  }

  /** Called by the connection: all has arrived. */
  complete(trailers: HttpHeaders | undefined): void {
    this.trailers = trailers;
    this.#source = 'complete';
    this.#notify();
  }

  /** Called by the connection: no more will come. What waits is dropped, so that the reader learns of it at once. */
  fail(error: Error): void {
    if (this.#source !== 'open') return;
    this.#source = 'failed';
    this.#failure = error;
    this.#clear();
    this.#notify();
  }

  /** Called by the connection when the answer has ended: nobody who has not begun to read will. */
  discard(): void {
    if (this.reader === 'none') this.#leave('discarded');
  }

  /** Whether there is nothing in it and never will be. */
  get isEmpty(): boolean {
    return this.#owner === undefined;
  }

  /** Whether all has arrived, and its reader is through. */
  get isRead(): boolean {
    return this.reader === 'left' && this.#source === 'complete';
  }

  /** Whether what arrives is dropped. */
  get isDropping(): boolean {
    return this.reader === 'left' || this.reader === 'discarded';
  }

  #leave(how: 'left' | 'discarded'): void {
    this.reader = how;
    this.#clear();
    this.#owner?.bodyTaken();
  }

  #begin(): void {
    if (this.reader === 'discarded') throw new HttpUsageError('ERR_HTTP_BODY_DISCARDED', DISCARDED);
    if (this.reader !== 'none')
      throw new HttpUsageError('ERR_HTTP_BODY_USED', 'a request body can be read once');
    this.reader = 'reading';
    if (this.#source === 'open') this.#owner?.bodyAsked();
  }

  #take(): Buffer | undefined {
    const piece = this.#queue.shift();
    if (piece === undefined) return undefined;
    this.bufferedBytes -= piece.length + PIECE_OVERHEAD_BYTES;
    this.#owner?.bodyTaken();
    return piece;
  }

  /** The next piece, or undefined at the end. */
  async #arrival(): Promise<Buffer | undefined> {
    while (this.#queue.length === 0 && this.#source === 'open') {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    if (this.#failure !== undefined) throw this.#failure;
    return this.#take();
  }

  #notify(): void {
    const wake = this.#wake;
    this.#wake = undefined;
    wake?.();
  }

  #clear(): void {
    this.#queue = [];
    this.bufferedBytes = 0;
  }
}

const STRICT_UTF8 = new TextDecoder('utf-8', { fatal: true });

const DISCARDED = 'the request body was dropped when the answer ended; begin to read it before calling end()';

function tooLargeToCollect(limitBytes: number): string {
  return `the body exceeds the ${limitBytes} bytes that are collected; iterate it, or raise the limit`;
}
