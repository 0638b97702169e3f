/**
 * An answer as its handler makes it, and how it is framed on the wire.
 *
 * Rule: an answer is whole or visibly broken. Its length is known, or chunked, or ended by the close; a declared length
 * that is not met tears the connection.
 */
import type { Connection, SendableFile } from '@sluice/reactor';
import { checkNoTunnel } from '../connection/protocol-switch.ts';
import {
  afterEnd,
  closedOrRefused,
  HttpUsageError,
  headSent,
  lengthMismatch,
  sendingFile,
} from '../errors.ts';
import type { FileAnswer } from '../files/file-answer.ts';
import { answerWithFile } from '../files/response-file.ts';
import { fileFields } from '../files/response-file-fields.ts';
import type { ServedRequest } from '../request/request.ts';
import { type AnswerFraming, isBodiless, sizeOf } from './answer-framing.ts';
import type { AnswerOwner } from './answer-owner.ts';
import { errorText } from './error-response.ts';
import { type InterimFields, interimText } from './interim-response.ts';
import { keptHead } from './kept-heads.ts';
import { quietly } from './quietly.ts';
import type { FileAnswerOptions, HttpResponse } from './response-contract.ts';
import { type FieldRole, type ResponseField, responseField } from './response-field.ts';
import { CHUNKED_END, connectionLines, headStart, lengthEnd } from './response-head.ts';
import { type Memory, sendPiece } from './response-piece.ts';
import { lastChunk, trailerField } from './response-trailers.ts';

/**
 * - `idle`: the head has not been sent.
 * - `opening`: nor has it; a file is being opened that is to be the body. Back to `idle` when that fails.
 * - `streaming`: the head has been sent, the body is going on.
 * - `ended`: all was handed to the connection. Final.
 * - `gone`: the connection closed, or the request was refused, first. Final; everything is dropped.
 */
export type ResponsePhase = 'idle' | 'opening' | 'streaming' | 'ended' | 'gone';

export class ServedResponse implements HttpResponse {
  status = 200;
  phase: ResponsePhase = 'idle';
  /** Whether the connection goes on after this answer. */
  keepAlive: boolean;
  /** Whether this answers a HEAD request. */
  readonly toHead: boolean;
  /** What is answered; of a refusal, nothing that a handler has seen. */
  readonly request: ServedRequest | undefined;
  readonly #owner: AnswerOwner;

  readonly #minorVersion: number;
  #fields: readonly ResponseField[] | undefined = undefined;
  /** Only plain fields were set: none decides about framing or the connection. */
  #isPlain = true;
  #trailers: ResponseField[] | undefined = undefined;
  #framing: AnswerFraming = 'none';
  /** Of a declared length. */
  #remainingBytes = 0;
  /** Told when nobody will receive this answer, also where the signal of the request was aborted long before. */
  onGone: ((reason: Error) => void) | undefined = undefined;

  constructor(
    owner: AnswerOwner,
    toHead: boolean,
    minorVersion: number,
    keepAlive: boolean,
    request?: ServedRequest,
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
    return this.#write(chunk, 'borrowed');
  }

  writeShared(chunk: Uint8Array): boolean {
    return this.#write(chunk, 'shared');
  }

  end(chunk?: string | Uint8Array): void {
    this.#end(chunk, 'borrowed');
  }

  endShared(chunk: Uint8Array): void {
    this.#end(chunk, 'shared');
  }

  sendFile(file: SendableFile, options: FileAnswerOptions = {}): Promise<void> {
    if (this.phase === 'gone') return quietly(closedOrRefused());
    try {
      this.#checkMayGoOn();
      this.#checkHeadUnsent();
    } catch (thrown) {
      return Promise.reject(thrown);
    }
    this.phase = 'opening';
    return answerWithFile(this, file, options);
  }

  drained(): Promise<void> {
    if (this.phase === 'gone') return Promise.reject(closedOrRefused());
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
    this.onGone?.(reason);
  }

  /** Called by the connection, after the head: its request was refused, so this answer is the last. */
  stopWith(reason: Error): void {
    this.keepAlive = false;
    this.request?.abandon(reason);
  }

  /** Called by the connection, before the head: makes this a short answer about a failure. */
  endWithError(status: number, message: string): void {
    this.phase = 'idle';
    this.status = status;
    this.#fields = [responseField('Content-Type', 'text/plain; charset=utf-8')];
    this.#trailers = undefined;
    this.end(errorText(status, message));
  }

  /** The request, where it asks for what there is: GET and HEAD. */
  get retrieval(): ServedRequest | undefined {
    const method = this.request?.method;
    return method === 'GET' || method === 'HEAD' ? this.request : undefined;
  }

  /** The entity tag that the handler has set. */
  get etag(): string | undefined {
    return this.getHeader('etag');
  }

  /**
   * Called for a file that is open: sends the head and the first text. The connection that is to send the rest, which
   * {@link endFile} follows; undefined when there is none, and the answer has ended.
   */
  beginFile(answer: FileAnswer): Connection | undefined {
    const { status, length, parts, texts } = answer;
    const declared = this.#declaredLength();
    if (status === undefined && declared !== undefined && declared !== length)
      throw lengthMismatch(declared, length);
    if (status !== undefined) this.status = status;
    const hasBody = !this.toHead && !isBodiless(this.status) && length > 0;
    const { fields, lines } = fileFields(this.#fields, answer);
    this.#fields = fields;
    const head = this.#wholeHead(headStart(this.status, lines), this.#headEnd(undefined, length), length);
    const isOver = !hasBody || parts.length === 0;
    this.phase = isOver ? 'ended' : 'streaming';
    this.#framing = 'file';
    const text = hasBody ? (texts[0] ?? '') : '';
    this.#send(head, text, text.length, '', 'borrowed');
    if (!isOver) return this.#owner.connection;
    this.#owner.answerEnded(this);
    return undefined;
  }

  /** Called when the connection has taken the last byte of a file. */
  endFile(): void {
    if (this.phase !== 'streaming') return;
    this.phase = 'ended';
    this.#owner.answerEnded(this);
  }

  #write(chunk: string | Uint8Array, memory: Memory): boolean {
    if (this.phase === 'gone') return false;
    this.#checkMayGoOn();
    const size = sizeOf(chunk);
    const head = this.phase === 'idle' ? this.#openStream(size) : '';
    if (this.#framing === 'length') this.#count(size);
    if (this.#framing === 'none' || size === 0) return this.#send(head, '', 0, '', memory);
    if (this.#framing === 'chunked')
      return this.#send(`${head}${size.toString(16)}\r\n`, chunk, size, '\r\n', memory);
    return this.#send(head, chunk, size, '', memory);
  }

  #end(chunk: string | Uint8Array | undefined, memory: Memory): void {
    if (this.phase === 'gone') return;
    this.#checkMayGoOn();
    if (this.phase === 'streaming') this.#endStream('', chunk ?? '', memory);
    else this.#endAtOnce(chunk, memory);
  }

  /** Nothing was sent before: the length is known, and told unless trailer fields ask for another framing. */
  #endAtOnce(chunk: string | Uint8Array | undefined, memory: Memory): void {
    if (this.#isPlain && this.#trailers === undefined) return this.#sendWhole(chunk, memory);
    const declared = this.#declaredLength();
    const hasTrailers = this.#trailers !== undefined || this.#fieldOf('trailer') !== undefined;
    if (!hasTrailers || this.#streamFraming(declared) !== 'chunked') this.#sendWhole(chunk, memory);
    else this.#endStream(this.#openStream(0), chunk ?? '', memory);
  }

  /** The answer in one write, its length known. */
  #sendWhole(chunk: string | Uint8Array | undefined, memory: Memory): void {
    const size = chunk === undefined ? 0 : sizeOf(chunk);
    const bodiless = this.toHead || isBodiless(this.status);
    const declared = this.#declaredLength();
    if (declared !== undefined && declared !== size && !bodiless) throw lengthMismatch(declared, size);
    const start = this.#headStart();
    const end = this.#headEnd(declared, chunk === undefined && this.toHead ? undefined : size);
    const head = this.#wholeHead(start, end, size);
    this.phase = 'ended';
    this.#send(head, bodiless ? '' : (chunk ?? ''), bodiless ? 0 : size, '', memory);
    this.#owner.answerEnded(this);
  }

  /** `start`, what is said of the connection, and `end`, of an answer whose body has `length` bytes. */
  #wholeHead(start: string, end: string, length: number): string | Buffer {
    const line = this.#connectionLine();
    return (line === '' ? keptHead(start, end, length) : undefined) ?? start + line + end;
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
  #endStream(before: string, chunk: string | Uint8Array, memory: Memory): void {
    const size = sizeOf(chunk);
    if (this.#framing === 'length') {
      this.#count(size);
      if (this.#remainingBytes > 0) throw this.#tear('the answer ended before its declared Content-Length');
    }
    this.phase = 'ended';
    if (this.#framing === 'chunked') {
      const end = lastChunk(this.#trailers);
      if (size === 0) this.#send(before + end, '', 0, '', memory);
      else this.#send(`${before}${size.toString(16)}\r\n`, chunk, size, `\r\n${end}`, memory);
    } else if (this.#framing !== 'none') {
      this.#send(before, chunk, size, '', memory);
    }
    this.#owner.answerEnded(this);
  }

  #send(
    before: string | Buffer,
    chunk: string | Uint8Array,
    size: number,
    behind: string,
    memory: Memory,
  ): boolean {
    return sendPiece(this.#owner.connection, before, chunk, size, behind, memory);
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
    return connectionLines(this.keepAlive, this.#minorVersion, this.#isPlain ? undefined : this.#fields);
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

  /** A file is the whole body: nothing comes before it or after. */
  #checkMayGoOn(): void {
    if (this.phase === 'ended') throw afterEnd();
    if (this.phase !== 'opening' && (this.phase !== 'streaming' || this.#framing !== 'file')) return;
    throw sendingFile();
  }

  #checkHeadUnsent(): void {
    if (this.phase === 'opening') this.#checkMayGoOn();
    if (this.headersSent) throw headSent();
  }
}
