/**
 * An answer as its handler makes it, and how it is framed on the wire.
 *
 * Rule: an answer is whole or visibly broken. Its length is known, or chunked, or ended by the close; a declared length
 * that is not met tears the connection.
 */
import { Buffer } from 'node:buffer';
import type { Connection, SendableFile } from '@sluice/reactor';
import { afterEnd, type HttpPeerError, HttpUsageError, lengthMismatch, peerGone } from './errors.ts';
import type { FileAnswer } from './file-answer.ts';
import type { Request } from './request.ts';
import type { FileAnswerOptions, Response } from './response-contract.ts';
import { type FieldRole, type ResponseField, responseField } from './response-field.ts';
import { answerWithFile } from './response-file.ts';
import { fileFields } from './response-file-fields.ts';
import { CHUNKED_END, CLOSE_LINE, headStart, KEEP_ALIVE_LINE, lengthEnd } from './response-head.ts';
import { statusText } from './status-text.ts';

/**
 * - `idle`: the head has not been sent.
 * - `opening`: nor has it; a file is being opened that is to be the body. Back to `idle` when that fails.
 * - `streaming`: the head has been sent, the body is going on.
 * - `ended`: all was handed to the connection. Final.
 * - `gone`: the connection closed, or the request was refused, first. Final; everything is dropped.
 */
export type ResponsePhase = 'idle' | 'opening' | 'streaming' | 'ended' | 'gone';

/**
 * How the end of the body is told: not at all (there is none), by a count, by the last chunk, by the close. `file`: by a count
 * that the connection sees to.
 */
type Framing = 'none' | 'length' | 'chunked' | 'close' | 'file';

/** Text up to this length is joined with the head and leaves in one write. */
const JOIN_CHARACTERS = 8192;

/** What an answer asks of the connection that it goes out on. */
export interface AnswerOwner {
  readonly connection: Connection;
  /** All of the answer was handed to the connection. */
  answerEnded(response: HttpResponse): void;
  /** Whether what is left of the request allows for another behind it. */
  mayKeepAlive(): boolean;
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
  readonly #owner: AnswerOwner;

  readonly #minorVersion: number;
  readonly #request: Request | undefined;
  #fields: ResponseField[] | undefined = undefined;
  /** Only plain fields were set: none decides about framing or the connection. */
  #isPlain = true;
  #framing: Framing = 'none';
  /** Of a declared length. */
  #remainingBytes = 0;

  /** `request`: what it answers; undefined of one that was refused. */
  constructor(
    owner: AnswerOwner,
    toHead: boolean,
    minorVersion: number,
    keepAlive: boolean,
    request?: Request,
  ) {
    this.#owner = owner;
    this.toHead = toHead;
    this.#minorVersion = minorVersion;
    this.keepAlive = keepAlive;
    this.#request = request;
  }

  get headersSent(): boolean {
    return this.phase === 'streaming' || this.phase === 'ended';
  }

  get ended(): boolean {
    return this.phase === 'ended' || this.phase === 'gone';
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
    this.#checkMayGoOn();
    const size = sizeOf(chunk);
    const head = this.phase === 'idle' ? this.#openStream(size) : '';
    if (this.#framing === 'length') this.#count(size);
    if (this.#framing === 'none' || size === 0) return this.#send(head, '', 0, '');
    if (this.#framing === 'chunked')
      return this.#send(`${head}${size.toString(16)}\r\n`, chunk, size, '\r\n');
    return this.#send(head, chunk, size, '');
  }

  end(chunk?: string | Uint8Array): void {
    if (this.phase === 'gone') return;
    this.#checkMayGoOn();
    if (this.phase === 'streaming') this.#endStream(chunk ?? '');
    else this.#sendWhole(chunk);
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
    return new Promise((resolve, reject) => {
      answerWithFile(this, file, options).then(resolve, (error: Error) => {
        // While nothing was sent the handler has to know. Afterwards there is nothing that it could do.
        if (this.phase === 'gone') resolve(quietly(error));
        else reject(error);
      });
    });
  }

  drained(): Promise<void> {
    if (this.phase === 'gone') return Promise.reject(closedOrRefused());
    return this.#owner.drained();
  }

  /** Called by the connection: nobody will receive this answer. */
  abandon(): void {
    if (this.phase !== 'ended') this.phase = 'gone';
  }

  /** Called by the connection, before the head: makes this a short answer about a failure. */
  endWithError(status: number, message: string): void {
    this.phase = 'idle';
    this.status = status;
    this.#fields = [responseField('Content-Type', 'text/plain; charset=utf-8')];
    this.end(`${status} ${statusText(status)}${message === '' ? '' : `: ${message}`}\n`);
  }

  /** The request, where it asks for what there is: GET and HEAD. */
  get retrieval(): Request | undefined {
    const method = this.#request?.method;
    return method === 'GET' || method === 'HEAD' ? this.#request : undefined;
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
    this.#fields = fileFields(this.#fields, answer);
    const start = headStart(this.status, this.#fields);
    const head = start + this.#connectionLine() + this.#headEnd(undefined, length);
    const isOver = !hasBody || parts.length === 0;
    this.phase = isOver ? 'ended' : 'streaming';
    this.#framing = 'file';
    this.#owner.connection.write(hasBody ? head + (texts[0] ?? '') : head, 'latin1');
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

  /** The answer in one write, its length known. */
  #sendWhole(chunk: string | Uint8Array | undefined): void {
    const size = chunk === undefined ? 0 : sizeOf(chunk);
    const bodiless = this.toHead || isBodiless(this.status);
    const declared = this.#declaredLength();
    if (declared !== undefined && declared !== size && !bodiless) throw lengthMismatch(declared, size);
    const start = headStart(this.status, this.#fields);
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
    const start = headStart(this.status, this.#fields);
    if (framing === 'close') this.keepAlive = false;
    const end = framing === 'chunked' ? CHUNKED_END : this.#headEnd(declared, undefined);
    const head = start + this.#connectionLine() + end;
    this.#framing = framing;
    this.#remainingBytes = declared ?? 0;
    this.phase = 'streaming';
    return head;
  }

  #streamFraming(declared: number | undefined): Framing {
    if (this.toHead || isBodiless(this.status)) return 'none';
    if (declared !== undefined) return 'length';
    return this.#minorVersion === 0 ? 'close' : 'chunked';
  }

  #endStream(chunk: string | Uint8Array): void {
    const size = sizeOf(chunk);
    if (this.#framing === 'length') {
      this.#count(size);
      if (this.#remainingBytes > 0) throw this.#tear('the answer ended before its declared Content-Length');
    }
    this.phase = 'ended';
    if (this.#framing === 'chunked') {
      const start = size === 0 ? '' : `${size.toString(16)}\r\n`;
      this.#send(start, chunk, size, size === 0 ? '0\r\n\r\n' : '\r\n0\r\n\r\n');
    } else if (this.#framing !== 'none') {
      this.#send('', chunk, size, '');
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
    if (field?.value.toLowerCase() === 'close' || !this.#owner.mayKeepAlive()) this.keepAlive = false;
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

  /** A file is the whole body: nothing comes before it or after. */
  #checkMayGoOn(): void {
    if (this.phase === 'ended') throw afterEnd();
    if (this.phase !== 'opening' && (this.phase !== 'streaming' || this.#framing !== 'file')) return;
    throw new HttpUsageError(
      'ERR_HTTP_SENDING_FILE',
      'a file is being sent as the whole body; await sendFile() before anything else',
    );
  }

  #checkHeadUnsent(): void {
    if (this.phase === 'opening') this.#checkMayGoOn();
    if (!this.headersSent) return;
    throw new HttpUsageError(
      'ERR_HTTP_HEAD_SENT',
      'the head has been sent; set header fields before write() or end()',
    );
  }
}

/** Answers that never have a body (RFC 9110 §6.4.1, and 205 by §15.3.6). */
function isBodiless(status: number): boolean {
  return status === 204 || status === 304 || status === 205;
}

function sizeOf(chunk: string | Uint8Array): number {
  return typeof chunk === 'string' ? Buffer.byteLength(chunk) : chunk.length;
}

function closedOrRefused(): HttpPeerError {
  return peerGone('the connection closed, or the request was refused', undefined);
}

/** A rejection that nobody has to listen to. */
function quietly(error: Error): Promise<void> {
  const rejected = Promise.reject<void>(error);
  rejected.catch(() => {});
  return rejected;
}
