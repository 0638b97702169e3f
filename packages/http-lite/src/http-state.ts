/**
 * The state machine of one HTTP connection: which bytes go where, and when the next request begins.
 *
 * Rule: one request at a time. The next is not parsed before the current answer has ended and its body is through, so
 * answers leave in order, and from a loop, so that any number of pipelined requests needs no stack.
 */
import { type CloseReason, type Connection, FileError, type OpenDeadline } from '@sluice/reactor';
import type { BodyOwner } from './body.ts';
import { bodyTruncated, HttpPeerError, HttpRequestError, peerGone } from './errors.ts';
import { fileErrorStatus } from './file-error-status.ts';
import type { HttpSettings } from './http-settings.ts';
import { bodyTooLarge, IncomingBody } from './incoming-body.ts';
import { HeadParser } from './parser.ts';
import { HttpRequest, type Request } from './request.ts';
import { type AnswerOwner, HttpResponse } from './response.ts';
import { Stash } from './stash.ts';

/**
 * What arriving bytes are.
 *
 * - `head`: the head of the next request. To `body`, `held` or `dropped`.
 * - `body`: the body of the current request, its answer ended or not. To `held`, `blocked`, `head` or `dropped`.
 * - `last-body`: as `body`, after the last answer of this connection. To `dropped`.
 * - `held`: kept, for the current answer has not ended. To `blocked`, `head` or `dropped`.
 * - `blocked`: kept, for the write queue is above its high-water mark. To `head` or `dropped`.
 * - `dropped`: nothing. After the last request, a refusal or the close. Final.
 */
type Inbound = 'head' | 'body' | 'last-body' | 'held' | 'blocked' | 'dropped';

/**
 * When the reactor shuts down, a connection between two requests is left in peace until so long after it was opened, or
 * after bytes last moved on it: its next request may be on its way, and would be lost (RFC 9112 section 9.6).
 */
const SHUTDOWN_QUIET_MS = 500;

const CONTINUE = 'HTTP/1.1 100 Continue\r\n\r\n';

/** The state that `conn.state` holds. Its members belong to this package. */
export class HttpState implements AnswerOwner, BodyOwner {
  readonly connection: Connection<HttpState>;
  readonly #settings: HttpSettings;
  #inbound: Inbound = 'head';
  /** The answer that is going on. */
  #response: HttpResponse | undefined = undefined;
  /** The head that has arrived in part; all others are parsed by the parser that the connections share. */
  #parser: HeadParser | undefined = undefined;
  /** The body that is arriving; set in `body` and `last-body` only. */
  #incoming: IncomingBody | undefined = undefined;
  #stash: Stash | undefined = undefined;
  /** The client waits for 100 Continue and has sent nothing of its body. */
  #awaitsContinue = false;
  #peerEnded = false;
  /** The reactor shuts down: what is here already is the last. */
  #shuttingDown = false;
  /** No request has come yet. */
  #isFresh = true;
  /** The chunk that is being consumed goes on behind the request that was just read. */
  #chunkHasMore = false;
  /** We have called `pause()`. */
  #paused = false;
  /** The loop in {@link #consume} is on the stack; it will go on by itself. */
  #consuming = false;
  #drainWaiters: { resolve: () => void; reject: (error: Error) => void }[] | undefined = undefined;

  constructor(connection: Connection<HttpState>, settings: HttpSettings) {
    this.connection = connection;
    this.#settings = settings;
  }

  // ---- called by the protocol's hooks ----

  onData(chunk: Buffer): void {
    if (this.#inbound === 'dropped') return;
    const at = this.#stash === undefined || this.#stash.isEmpty ? this.#consume(chunk, 0) : 0;
    if (at === chunk.length) return this.#leaveIfLast();
    if (this.#isDropped()) return;
    this.#stash ??= new Stash();
    this.#stash.keep(chunk, at);
    this.#regulate();
  }

  onDrain(): void {
    const waiters = this.#drainWaiters;
    this.#drainWaiters = undefined;
    for (const waiter of waiters ?? []) waiter.resolve();
    if (this.#inbound !== 'blocked') return;
    this.#inbound = 'head';
    this.#advance();
  }

  onEnd(): void {
    this.#peerEnded = true;
    if (this.#inbound === 'head') this.#leave();
    if (this.#inbound !== 'body' && this.#inbound !== 'last-body') return;
    this.#incoming?.body.fail(bodyTruncated());
    this.#response?.abandon();
    this.#leave();
  }

  /**
   * A connection between two requests leaves when nothing has moved on it for a moment, another when all that have arrived
   * are answered.
   */
  onShutdown(): void {
    this.#shuttingDown = true;
    if (!this.#isIdle()) return;
    if (this.#isFresh) this.connection.setTimeouts({ firstByteMs: SHUTDOWN_QUIET_MS });
    else this.connection.setTimeouts({ idleMs: SHUTDOWN_QUIET_MS });
  }

  /** Whether the deadline is waived. */
  onTimeout(which: OpenDeadline): boolean {
    if (!this.#shuttingDown || (which !== 'first-byte' && which !== 'idle')) return false;
    if (this.#isIdle()) this.#leave();
    return true;
  }

  onClose(reason: CloseReason, cause: Error | undefined): void {
    this.#inbound = 'dropped';
    const response = this.#response;
    const waiters = this.#drainWaiters;
    const incoming = this.#incoming;
    this.#incoming = undefined;
    if (response === undefined && incoming === undefined && waiters === undefined) return;
    const error = peerGone(`the connection closed: ${reason}`, cause);
    this.#drainWaiters = undefined;
    response?.abandon();
    incoming?.body.fail(error);
    for (const waiter of waiters ?? []) waiter.reject(error);
  }

  // ---- called by the response ----

  /** All of an answer was handed to the connection. */
  answerEnded(response: HttpResponse): void {
    this.#response = undefined;
    this.#incoming?.body.discard();
    if (!response.keepAlive || (this.#shuttingDown && !this.#hasMore())) this.#leave();
    if (this.#inbound === 'held') this.#inbound = this.#nextHead();
    if (!this.#consuming) this.#advance();
  }

  /** Whether what is left of the current request allows for another behind it. */
  mayKeepAlive(): boolean {
    if (this.#shuttingDown && !this.#hasMore()) return false;
    if (this.#incoming === undefined) return this.#inbound !== 'dropped';
    if (this.#incoming.body.reader === 'reading') return true;
    return !this.#awaitsContinue && this.#incoming.isWorthDropping;
  }

  drained(): Promise<void> {
    const { writeHalf, needsDrain } = this.connection;
    if (writeHalf === 'ending' || writeHalf === 'ended')
      return Promise.reject(peerGone('our side of the connection has ended', undefined));
    if (!needsDrain) return Promise.resolve();
    return new Promise((resolve, reject) => {
      this.#drainWaiters ??= [];
      this.#drainWaiters.push({ resolve, reject });
    });
  }

  // ---- called by the body ----

  bodyAsked(): void {
    if (!this.#awaitsContinue || this.#response?.phase !== 'idle') return;
    this.#awaitsContinue = false;
    this.connection.write(CONTINUE, 'latin1');
  }

  bodyTaken(): void {
    if (this.#paused) this.#regulate();
  }

  // ---- the loop ----

  /** Reads as much of `chunk` as may be read now. Returns where it stopped. */
  #consume(chunk: Buffer, from: number): number {
    let at = from;
    this.#consuming = true;
    try {
      while (at < chunk.length) {
        if (this.#inbound === 'head') at = this.#readHead(chunk, at);
        else if (this.#incoming !== undefined) at = this.#readBody(chunk, at, this.#incoming);
        else return at;
      }
      return at;
    } finally {
      this.#consuming = false;
      this.#chunkHasMore = false;
    }
  }

  /** Reads what was kept, as far as it may be read now. */
  #advance(): void {
    const stash = this.#stash;
    while (stash !== undefined && (this.#inbound === 'head' || this.#incoming !== undefined)) {
      const chunk = stash.take();
      if (chunk === undefined) break;
      const at = this.#consume(chunk, 0);
      if (at < chunk.length) stash.putBack(chunk.subarray(at));
    }
    if (this.#inbound === 'head' && this.#peerEnded) this.#leave();
    this.#leaveIfLast();
    this.#regulate();
  }

  #readHead(chunk: Buffer, from: number): number {
    const parser = this.#parser ?? this.#settings.parser;
    const at = parser.read(chunk, from);
    if (parser.state === 'done') {
      this.#parser = undefined;
      this.#dispatch(parser, at < chunk.length);
    } else if (parser.failure !== undefined) {
      const failure = parser.failure;
      const toHead = parser.line.method === 'HEAD';
      parser.reset();
      this.#refuse(failure, toHead);
    } else if (this.#parser === undefined && !parser.isFresh) {
      this.#parser = parser;
      this.#settings.parser = new HeadParser(this.#settings.limits, this.#settings.arena);
    }
    return at;
  }

  /**
   * Makes the exchange of a complete head and calls the handler; the parser is free when the handler runs. `hasMore`:
   * bytes behind the head are here already.
   */
  #dispatch(parser: HeadParser, hasMore: boolean): void {
    const { framing, line } = parser;
    const { limits } = this.#settings;
    const toHead = line.method === 'HEAD';
    // HTTP/1.0 knows no expectations: they are ignored (RFC 9110 §10.1.1).
    const expectation = line.minorVersion === 0 ? 'none' : framing.expectation;
    if (expectation === 'unknown' || framing.contentLength > limits.bodyBytes) {
      parser.reset();
      this.#refuse(expectation === 'unknown' ? unknownExpectation() : bodyTooLarge(limits.bodyBytes), toHead);
      return;
    }
    this.#isFresh = false;
    this.#inbound = 'held';
    if (framing.chunked || framing.contentLength > 0) {
      this.#inbound = 'body';
      this.#incoming = new IncomingBody(framing, limits, this);
      this.#awaitsContinue = expectation === 'continue' && !hasMore;
    }
    this.#chunkHasMore = hasMore && this.#incoming === undefined;
    const keepAlive = !framing.close && (line.minorVersion !== 0 || framing.keepAlive);
    const request = new HttpRequest(this.connection, parser, this.#incoming?.body);
    const response = new HttpResponse(this, toHead, line.minorVersion, keepAlive, request);
    this.#response = response;
    parser.reset();
    this.#handle(request, response);
  }

  #handle(request: HttpRequest, response: HttpResponse): void {
    try {
      const outcome: unknown = this.#settings.handler(request, response);
      if (response.phase !== 'ended') request.detach();
      if (isThenable(outcome)) {
        Promise.resolve(outcome).catch((error: unknown) => this.#handlerFailed(error, request, response));
      }
    } catch (error) {
      this.#handlerFailed(error, request, response);
    }
  }

  #handlerFailed(error: unknown, request: Request, response: HttpResponse): void {
    const isPeersFault =
      error instanceof HttpRequestError || (error instanceof HttpPeerError && response.ended);
    const fileStatus = error instanceof FileError && !response.ended ? fileErrorStatus(error) : 500;
    if (!isPeersFault && fileStatus === 500) this.#settings.onError(error, request);
    if (response.phase === 'idle' || response.phase === 'opening') {
      if (error instanceof HttpRequestError) response.endWithError(error.status, error.message);
      else response.endWithError(fileStatus, '');
    } else if (response.phase === 'streaming') {
      response.abandon();
      this.connection.destroy(error instanceof Error ? error : new Error(String(error)));
    }
  }

  #readBody(chunk: Buffer, from: number, incoming: IncomingBody): number {
    this.#awaitsContinue = false;
    const at = incoming.read(chunk, from);
    this.#chunkHasMore = at < chunk.length;
    if (incoming.outcome === 'done') this.#completeBody();
    else if (incoming.failure !== undefined) this.#refuse(incoming.failure, false);
    else if (incoming.outcome === 'excess') this.#cutBody();
    else this.#regulate();
    return at;
  }

  #completeBody(): void {
    this.#incoming = undefined;
    if (this.#inbound === 'last-body') this.#leave();
    else this.#inbound = this.#response === undefined ? this.#nextHead() : 'held';
  }

  /** The rest of a body that nobody reads is too long: the connection ends with the current answer. */
  #cutBody(): void {
    if (this.#response === undefined) return this.#leave();
    this.#response.keepAlive = false;
    this.#drop();
  }

  /** What comes after a request that is through: the next, unless the peer does not take its answers. */
  #nextHead(): Inbound {
    return this.connection.needsDrain ? 'blocked' : 'head';
  }

  // ---- leaving ----

  /** Answers with an error, when nothing of another answer has been sent, and never reads a request again. */
  #refuse(error: HttpRequestError, toHead: boolean): void {
    const pending = this.#response;
    const incoming = this.#incoming;
    this.#drop();
    incoming?.body.fail(error);
    if (pending?.phase === 'streaming') {
      pending.keepAlive = false;
      return;
    }
    pending?.abandon();
    new HttpResponse(this, pending?.toHead ?? toHead, 1, false).endWithError(error.status, error.message);
  }

  /** No further request: closes when what is queued has left, or when the reader of the last body is through. */
  #leave(): void {
    if (this.#inbound === 'body' && this.#incoming?.body.reader === 'reading' && !this.#peerEnded) {
      this.#inbound = 'last-body';
      this.connection.end();
      return;
    }
    this.#drop();
    this.connection.close();
  }

  #drop(): void {
    this.#inbound = 'dropped';
    this.#incoming = undefined;
    this.#parser = undefined;
    this.#stash?.clear();
    this.#regulate();
  }

  /** The reactor shuts down and nothing of a further request is here. */
  #leaveIfLast(): void {
    if (this.#shuttingDown && this.#isIdle() && !this.#isFresh) this.#leave();
  }

  #isIdle(): boolean {
    const isBetween = this.#inbound === 'head' || this.#inbound === 'blocked';
    // Empty lines before a request line (RFC 9112 section 2.2) are not the beginning of one.
    const hasHead = this.#parser !== undefined && this.#parser.state !== 'start';
    return isBetween && !hasHead && this.#response === undefined && !this.#hasMore();
  }

  /** Bytes behind the current request have arrived. */
  #hasMore(): boolean {
    return this.#chunkHasMore || (this.#stash !== undefined && !this.#stash.isEmpty);
  }

  #isDropped(): boolean {
    return this.#inbound === 'dropped';
  }

  /** Pauses the connection while too much waits here, resumes it when half of that is gone. */
  #regulate(): void {
    const { limits } = this.#settings;
    const share = this.#paused ? 0.5 : 1;
    const stashed = this.#stash?.bytes ?? 0;
    const buffered = this.#incoming?.body.bufferedBytes ?? 0;
    const isFull = stashed > limits.pipelineBytes * share || buffered > limits.bodyBufferBytes * share;
    if (isFull === this.#paused) return;
    this.#paused = isFull;
    if (isFull) this.connection.pause();
    else this.connection.resume();
  }
}

function isThenable(value: unknown): boolean {
  return typeof value === 'object' && value !== null && 'then' in value;
}

function unknownExpectation(): HttpRequestError {
  return new HttpRequestError(
    'ERR_HTTP_EXPECTATION',
    '100-continue is the only expectation that is met here',
  );
}
