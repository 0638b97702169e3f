/**
 * An answer as its handler makes it, and how it is framed on the wire.
 *
 * Rule: an answer is whole or visibly broken. Its length is known, or chunked, or ended by the close; a declared length
 * that is not met tears the connection.
 */
import type { Connection } from '@sluice/reactor';
import { type AnswerFraming, isBodiless, sizeOf } from './answer-framing.ts';
import { afterEnd, HttpUsageError, lengthMismatch, peerGone } from './errors.ts';
import { type InterimFields, interimText } from './interim-response.ts';
import { checkNoTunnel } from './protocol-switch.ts';
import type { HttpRequest } from './request.ts';
import { type FieldRole, type ResponseField, responseField } from './response-field.ts';
import { CHUNKED_END, CLOSE_LINE, headStart, KEEP_ALIVE_LINE, lengthEnd } from './response-head.ts';
import { lastChunk, trailerField } from './response-trailers.ts';
import { statusText } from './status-text.ts';

/**
 * One answer. Misuse throws {@link HttpUsageError}. Once the connection has closed nothing throws: what is written is
 * dropped, and `write` answers false.
 */
export interface Response {
  /** Status code, an integer from 200 to 599; judged when the head is sent (`ERR_HTTP_STATUS`). 200. */
  status: number;
  /** Whether status and header fields have been sent and can no longer change. */
  readonly headersSent: boolean;
  /** Whether nothing more can be sent: `end` was called, or the connection has closed. */
  readonly ended: boolean;

  /**
   * Sets a header field, replacing those of that name; an array makes one line of each member (Set-Cookie).
   *
   * `Content-Length` declares the body and is enforced. `Connection: close` ends the connection after the answer. `Date`
   * replaces ours. Framing fields throw `ERR_HTTP_HEADER_FORBIDDEN`, what cannot be sent `ERR_HTTP_HEADER_INVALID`, and
   * any field after the head `ERR_HTTP_HEAD_SENT`.
   */
  setHeader(name: string, value: string | number | readonly string[]): this;
  /** What was set under that name, joined with a comma; undefined when nothing was. */
  getHeader(name: string): string | undefined;
  /** Takes back what was set under that name. */
  removeHeader(name: string): this;

  /**
   * Sends a piece of the body; text as UTF-8. The first piece sends the head: with the declared Content-Length, else
   * chunked (HTTP/1.1), else ended by the close (1.0). Nothing is sent of the body of an answer that has none: to HEAD,
   * and with 204, 205 and 304. The caller's memory is not kept.
   *
   * @returns whether the connection takes more at once. After false, wait for {@link drained}.
   * @throws HttpUsageError `ERR_HTTP_ENDED` after `end`; `ERR_HTTP_LENGTH_MISMATCH` beyond the declared length, which
   * also destroys the connection when the head has been sent.
   */
  write(chunk: string | Uint8Array): boolean;
  /**
   * Ends the answer, with a last piece. When nothing was written before, its length becomes the Content-Length.
   *
   * @throws HttpUsageError as `write`; `ERR_HTTP_LENGTH_MISMATCH` also when the declared length was not reached.
   */
  end(chunk?: string | Uint8Array): void;
  /**
   * Resolves when the connection takes more; at once, when it does already. Rejects with {@link HttpPeerError}
   * `ERR_HTTP_PEER_GONE` when it has closed, or closes: so a loop that writes comes to an end.
   */
  drained(): Promise<void>;

  /**
   * Sets a trailer field, sent behind the body (RFC 9110 §6.5), replacing one of that name; at any time before `end`. It
   * makes the answer chunked. Where an answer is not (to HTTP/1.0 and HEAD, with a declared Content-Length, with 204, 205
   * and 304) trailer fields are dropped: clients may ignore them at any time, so nothing may depend on them. Announce them with
   * `setHeader('Trailer', 'Name')`, as RFC 9110 §6.6.2 asks for.
   *
   * @throws HttpUsageError `ERR_HTTP_HEADER_INVALID`, `ERR_HTTP_HEADER_FORBIDDEN` for one that may not stand there, such as
   * Set-Cookie; `ERR_HTTP_ENDED` after `end`.
   */
  setTrailer(name: string, value: string): this;
  /**
   * Sends `100 Continue` to a client that waits for it before it sends its body (RFC 9110 §10.1.1), once; the first read of
   * the body does so too. An answer without either closes the connection, for nobody knows whether the body comes.
   *
   * @returns whether it was sent: false when nobody waits, as in HTTP/1.0, and once the head was sent.
   */
  writeContinue(): boolean;
  /**
   * Sends an interim answer (RFC 9110 §15.2), any number of times before the head: the fields that it has are its own.
   *
   * @returns whether it was sent: false to HTTP/1.0, which knows none, and when the connection has closed.
   * @throws HttpUsageError `ERR_HTTP_STATUS` when `status` is not an integer from 102 to 199, `ERR_HTTP_HEADER_INVALID` or
   * `ERR_HTTP_HEADER_FORBIDDEN` for the fields, `ERR_HTTP_HEAD_SENT` after the head.
   */
  writeInformation(status: number, fields?: InterimFields): boolean;
  /** Sends `103 Early Hints` (RFC 8297): fields, mostly Link, that the answer is likely to have. As `writeInformation`. */
  writeEarlyHints(fields: InterimFields): boolean;
}

/**
 * - `idle`: the head has not been sent.
 * - `streaming`: the head has been sent, the body is going on.
 * - `ended`: all was handed to the connection. Final.
 * - `gone`: the connection closed, or the request was refused, first. Final; everything is dropped.
 */
export type ResponsePhase = 'idle' | 'streaming' | 'ended' | 'gone';

/** Text up to this length is joined with the head and leaves in one write. */
const JOIN_CHARACTERS = 8192;

/** What an answer asks of the connection that it goes out on. */
export interface AnswerOwner {
  readonly connection: Connection;
  /** All of the answer was handed to the connection. */
  answerEnded(response: HttpResponse): void;
  /** Whether what is left of the request, and of the connection, allows for another request. */
  mayKeepAlive(): boolean;
  /** Sends `100 Continue` if the client waits for it. Whether it did. */
  tellContinue(): boolean;
  /** As `Response.drained`. */
  drained(): Promise<void>;
}

export class HttpResponse implements Response {
  status = 200;
  phase: ResponsePhase = 'idle';
  /** Whether the connection goes on after this answer. */
  keepAlive: boolean;
  /** Whether this answers a HEAD request. */
  readonly toHead: boolean;
  /** What is answered; of a refusal, nothing that a handler has seen. */
  readonly request: HttpRequest | undefined;
  readonly #owner: AnswerOwner;

  readonly #minorVersion: number;
  #fields: ResponseField[] | undefined = undefined;
  /** Only plain fields were set: none decides about framing or the connection. */
  #isPlain = true;
  #trailers: ResponseField[] | undefined = undefined;
  #framing: AnswerFraming = 'none';
  /** Of a declared length. */
  #remainingBytes = 0;

  constructor(
    owner: AnswerOwner,
    toHead: boolean,
    minorVersion: number,
    keepAlive: boolean,
    request?: HttpRequest,
  ) {
    this.#owner = owner;
    this.toHead = toHead;
    this.request = request;
    this.#minorVersion = minorVersion;
    this.keepAlive = keepAlive;
  }

  get headersSent(): boolean {
    return this.phase === 'streaming' || this.phase === 'ended';
  }

  get ended(): boolean {
    return this.phase === 'ended' || this.phase === 'gone';
  }

  /** Whether only the close ends what was sent so far: one in order would make a whole of it. */
  get isOpenEnded(): boolean {
    return this.phase === 'streaming' && this.#framing === 'close';
  }

  setHeader(name: string, value: string | number | readonly string[]): this {
    this.#checkHeadUnsent();
    if (typeof value === 'string' && this.#fields === undefined) {
      const field = responseField(name, value);
      this.#fields = [field];
      this.#isPlain &&= field.role === 'plain';
      return this;
    }
    const values = Array.isArray(value) ? value : [typeof value === 'number' ? String(value) : value];
    const fields = values.map((member: string) => responseField(name, member));
    this.removeHeader(name);
    this.#fields = [...(this.#fields ?? []), ...fields];
    this.#isPlain &&= fields.every((field) => field.role === 'plain');
    return this;
  }

  getHeader(name: string): string | undefined {
    const folded = name.toLowerCase();
    const values = this.#fields?.filter((field) => field.name === folded).map((field) => field.value);
    return values === undefined || values.length === 0 ? undefined : values.join(', ');
  }

  removeHeader(name: string): this {
    this.#checkHeadUnsent();
    const folded = name.toLowerCase();
    this.#fields = this.#fields?.filter((field) => field.name !== folded);
    return this;
  }

  write(chunk: string | Uint8Array): boolean {
    if (this.phase === 'gone') return false;
    if (this.phase === 'ended') throw afterEnd();
    const size = sizeOf(chunk);
    const head = this.phase === 'idle' ? this.#openStream(size) : '';
    if (this.#framing === 'length') this.#count(size);
    if (this.#framing === 'none' || size === 0) return this.#send(head, '', 0, '');
    if (this.#framing === 'chunked')
      return this.#send(`${head}${size.toString(16)}\r\n`, chunk, size, '\r\n');
    return this.#send(head, chunk, size, '');
  }

  end(chunk?: string | Uint8Array): void {
    if (this.phase === 'streaming') this.#endStream('', chunk ?? '');
    else if (this.phase === 'idle') this.#endAtOnce(chunk);
    else if (this.phase === 'ended') throw afterEnd();
  }

  drained(): Promise<void> {
    if (this.phase === 'gone')
      return Promise.reject(peerGone('the connection closed, or the request was refused', undefined));
    return this.#owner.drained();
  }

  setTrailer(name: string, value: string): this {
    const field = trailerField(name, value);
    if (this.phase === 'ended') throw afterEnd();
    this.#trailers = [...(this.#trailers ?? []).filter((other) => other.name !== field.name), field];
    return this;
  }

  writeContinue(): boolean {
    return this.phase === 'idle' && this.#owner.tellContinue();
  }

  writeInformation(status: number, fields: InterimFields = {}): boolean {
    const text = interimText(status, fields);
    this.#checkHeadUnsent();
    if (this.phase === 'gone' || this.#minorVersion === 0) return false;
    this.#owner.connection.write(text, 'latin1');
    return true;
  }

  writeEarlyHints(fields: InterimFields): boolean {
    return this.writeInformation(103, fields);
  }

  /** Called by the connection: nobody will receive this answer, because of `reason`. */
  abandon(reason: Error): void {
    if (this.phase === 'ended') return;
    this.phase = 'gone';
    this.request?.abandon(reason);
  }

  /** Called by the connection, after the head: its request was refused, so this answer is the last. */
  stopWith(reason: Error): void {
    this.keepAlive = false;
    this.request?.abandon(reason);
  }

  /** Called by the connection, before the head: makes this a short answer about a failure. */
  endWithError(status: number, message: string): void {
    this.status = status;
    this.#fields = [responseField('Content-Type', 'text/plain; charset=utf-8')];
    this.#trailers = undefined;
    this.end(`${status} ${statusText(status)}${message === '' ? '' : `: ${message}`}\n`);
  }

  /** Nothing was sent before: the length is known, and told unless trailer fields ask for another framing. */
  #endAtOnce(chunk: string | Uint8Array | undefined): void {
    if (this.#isPlain && this.#trailers === undefined) return this.#sendWhole(chunk);
    const declared = this.#declaredLength();
    const hasTrailers = this.#trailers !== undefined || this.#fieldOf('trailer') !== undefined;
    if (!hasTrailers || this.#streamFraming(declared) !== 'chunked') this.#sendWhole(chunk);
    else this.#endStream(this.#openStream(0), chunk ?? '');
  }

  /** The answer in one write, its length known. */
  #sendWhole(chunk: string | Uint8Array | undefined): void {
    const size = chunk === undefined ? 0 : sizeOf(chunk);
    const bodiless = this.toHead || isBodiless(this.status);
    const declared = this.#declaredLength();
    if (declared !== undefined && declared !== size && !bodiless) throw lengthMismatch(declared, size);
    const start = this.#headStart();
    const end = this.#headEnd(declared, chunk === undefined && this.toHead ? undefined : size);
    const head = start + this.#connectionLine() + end;
    this.phase = 'ended';
    this.#send(head, bodiless ? '' : (chunk ?? ''), bodiless ? 0 : size, '');
    this.#owner.answerEnded(this);
  }

  /** The head of an answer whose end is not known yet. `size` is its first piece. */
  #openStream(size: number): string {
    const declared = this.#declaredLength();
    const framing = this.#streamFraming(declared);
    if (framing === 'length' && size > (declared ?? 0)) throw lengthMismatch(declared ?? 0, size);
    const start = this.#headStart();
    if (framing === 'close') this.keepAlive = false;
    const end =
      framing === 'chunked' ? this.#trailerLines() + CHUNKED_END : this.#headEnd(declared, undefined);
    const head = start + this.#connectionLine() + end;
    this.#framing = framing;
    this.#remainingBytes = declared ?? 0;
    this.phase = 'streaming';
    return head;
  }

  #headStart(): string {
    if (this.request?.method === 'CONNECT') checkNoTunnel(this.status);
    return headStart(this.status, this.#fields);
  }

  #streamFraming(declared: number | undefined): AnswerFraming {
    if (this.toHead || isBodiless(this.status)) return 'none';
    if (declared !== undefined) return 'length';
    return this.#minorVersion === 0 ? 'close' : 'chunked';
  }

  /** What announces trailer fields. */
  #trailerLines(): string {
    if (this.#isPlain || this.#fields === undefined) return '';
    let lines = '';
    for (const field of this.#fields) if (field.role === 'trailer') lines += field.line;
    return lines;
  }

  /** `before` is what stands before the last piece: a head that was not sent yet, or nothing. */
  #endStream(before: string, chunk: string | Uint8Array): void {
    const size = sizeOf(chunk);
    if (this.#framing === 'length') {
      this.#count(size);
      if (this.#remainingBytes > 0) throw this.#tear('the answer ended before its declared Content-Length');
    }
    this.phase = 'ended';
    if (this.#framing === 'chunked') {
      const end = lastChunk(this.#trailers);
      if (size === 0) this.#send(before + end, '', 0, '');
      else this.#send(`${before}${size.toString(16)}\r\n`, chunk, size, `\r\n${end}`);
    } else if (this.#framing !== 'none') {
      this.#send(before, chunk, size, '');
    }
    this.#owner.answerEnded(this);
  }

  /** Hands over what stands before a piece, the piece, and what stands behind it. */
  #send(before: string, chunk: string | Uint8Array, size: number, behind: string): boolean {
    const connection = this.#owner.connection;
    if (size === 0 || (typeof chunk === 'string' && size === chunk.length && size <= JOIN_CHARACTERS)) {
      // An empty piece never reaches the transport, be it text or bytes.
      const text = size === 0 ? before + behind : before + (chunk as string) + behind;
      return text === '' ? !connection.needsDrain : connection.write(text, 'latin1');
    }
    if (before !== '') connection.write(before, 'latin1');
    const encoding = size === chunk.length ? 'latin1' : 'utf8';
    const accepted = connection.write(chunk, encoding);
    return behind === '' ? accepted : connection.write(behind, 'latin1');
  }

  #declaredLength(): number | undefined {
    return this.#fieldOf('content-length')?.length;
  }

  #fieldOf(role: FieldRole): ResponseField | undefined {
    if (this.#isPlain || this.#fields === undefined) return undefined;
    for (const field of this.#fields) if (field.role === role) return field;
    return undefined;
  }

  /** Content-Length, if this answer has one (RFC 9110 §8.6), and the empty line. `size` is that of a known body. */
  #headEnd(declared: number | undefined, size: number | undefined): string {
    if (this.status === 204) return '\r\n';
    if (this.status === 205) return lengthEnd(0);
    const length = declared ?? (this.status === 304 ? undefined : size);
    return length === undefined ? '\r\n' : lengthEnd(length);
  }

  #connectionLine(): string {
    const field = this.#fieldOf('connection');
    if (field?.value.toLowerCase() === 'close') this.keepAlive = false;
    if (this.keepAlive && !this.#owner.mayKeepAlive()) this.keepAlive = false;
    if (!this.keepAlive) return CLOSE_LINE;
    return this.#minorVersion === 0 ? KEEP_ALIVE_LINE : '';
  }

  #count(size: number): void {
    if (size > this.#remainingBytes)
      throw this.#tear('the answer is longer than its declared Content-Length');
    this.#remainingBytes -= size;
  }

  #tear(message: string): HttpUsageError {
    const error = new HttpUsageError('ERR_HTTP_LENGTH_MISMATCH', `${message}; the connection was destroyed`);
    this.phase = 'gone';
    this.#owner.connection.destroy(error);
    return error;
  }

  #checkHeadUnsent(): void {
    if (!this.headersSent) return;
    throw new HttpUsageError(
      'ERR_HTTP_HEAD_SENT',
      'the head has been sent; set header fields before write() or end()',
    );
  }
}
