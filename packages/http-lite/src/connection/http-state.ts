/**
 * The state machine of one HTTP connection: what its bytes mean, and when the next request begins.
 *
 * Rule: one request at a time. The next is not parsed before the current answer has ended and its body is through, so
 * answers leave in order.
 */
import type { CloseReason, Connection, OpenDeadline } from '@sluice/reactor';
import { bodyTruncated, type HttpRequestError, handedOver, peerEnded, peerGone } from '../errors.ts';
import type { HttpSettings } from '../http-settings.ts';
import type { HeadParser } from '../parser/parser.ts';
import { PartialHead } from '../parser/partial-head.ts';
import type { BodyOwner } from '../request/body.ts';
import { IncomingBody } from '../request/incoming-body.ts';
import { isSending, leave } from '../request/last-bytes.ts';
import { ServedRequest } from '../request/request.ts';
import type { AnswerOwner } from '../response/answer-owner.ts';
import { ServedResponse } from '../response/response.ts';
import { DrainWaiters } from './drain-waiters.ts';
import { ExchangeDeadlines, owedHead } from './exchange-deadlines.ts';
import { ExpectedContinue } from './expected-continue.ts';
import { callHandler } from './handler-call.ts';
import type { Inbound } from './inbound.ts';
import type { SwitchOwner } from './protocol-switch.ts';
import { expectQuiet } from './quiet-leave.ts';
import { ReadingLoop } from './reading-loop.ts';
import { overdue, refusalOf } from './refusals.ts';
import { TurnShare } from './turn-share.ts';

/** The state that `conn.state` holds. Its members belong to this package. */
export class HttpState extends ReadingLoop implements AnswerOwner, BodyOwner, SwitchOwner {
  readonly connection: Connection<HttpState>;
  readonly #settings: HttpSettings;
  #inbound: Inbound = 'head';
  readonly #deadlines: ExchangeDeadlines;
  /** The answer that is going on. */
  #response: ServedResponse | undefined = undefined;
  readonly #share = new TurnShare();
  readonly #head: PartialHead;
  /** The body that is arriving; set in `body` and `last-body` only. */
  #incoming: IncomingBody | undefined = undefined;
  readonly #continue = new ExpectedContinue();
  #peerEnded = false;
  /** The reactor shuts down: what is here already is the last. */
  #shuttingDown = false;
  #drainWaiters: DrainWaiters | undefined = undefined;

  constructor(connection: Connection<HttpState>, settings: HttpSettings) {
    super(connection, settings);
    this.connection = connection;
    this.#settings = settings;
    this.#head = new PartialHead(settings);
    this.#deadlines = new ExchangeDeadlines(connection, settings.limits);
  }

  // ---- called by the protocol's hooks ----

  /** @internal */
  onData(chunk: Buffer): void {
    if (this.#inbound === 'dropped') return;
    this.#share.begin();
    this.readOrKeep(chunk);
    this.#leaveIfQuiet();
    this.#rest();
  }

  /** @internal */
  onDrain(): void {
    this.#drainWaiters?.drained();
    if (this.#inbound !== 'blocked') return;
    this.#inbound = 'head';
    this.#advance();
  }

  /** @internal */
  onEnd(): void {
    this.#peerEnded = true;
    if (this.#inbound === 'head') return this.#leave();
    if (this.#incoming === undefined) return this.#response?.request?.abandon(peerEnded());
    const error = bodyTruncated();
    this.#incoming.body.fail(error);
    this.#response?.abandon(error);
    this.#leave();
  }

  /** Between two requests it leaves when nothing has moved for a moment, else when all that have arrived are answered. */
  onShutdown(): void {
    this.#shuttingDown = true;
    if (this.#isIdle()) expectQuiet(this.connection, this.#share.requests);
  }

  /** Whether the deadline is waived. */
  onTimeout(which: OpenDeadline): boolean {
    if (which === 'protocol') {
      this.#deadlinePassed();
      return true;
    }
    if (this.#response?.isOpenEnded)
      this.connection.destroy(peerGone(`the deadline ${which} passed`, undefined));
    if (!this.#shuttingDown || (which !== 'first-byte' && which !== 'idle')) return false;
    if (this.#isIdle()) this.#leave();
    return true;
  }

  /** @internal */
  onClose(reason: CloseReason, cause: Error | undefined): void {
    const response = this.#response;
    const incoming = this.#incoming;
    this.#inbound = 'dropped';
    this.#incoming = undefined;
    if (response === undefined && incoming === undefined && this.#drainWaiters === undefined) return;
    if (response !== undefined) this.#settings.counters.aborted += 1;
    const error = peerGone(`the connection closed: ${reason}`, cause);
    incoming?.body.fail(error);
    this.#drainWaiters?.fail(error);
    response?.abandon(error);
  }

  // ---- called by the response ----

  /** @internal */
  answerEnded(response: ServedResponse): void {
    this.#settings.counters.answers += 1;
    this.#response = undefined;
    this.#incoming?.body.discard();
    if (!response.keepAlive) this.#leave();
    if (this.#inbound === 'held') this.#inbound = this.#nextHead();
    if (!this.isReading) this.#advance();
  }

  mayKeepAlive(): boolean {
    const { limits, counters } = this.#settings;
    if (this.#shuttingDown && !this.hasMore) return false;
    if (this.#share.requests >= limits.requestsPerConnection) {
      counters.limited.requestsPerConnection += 1;
      return false;
    }
    if (this.#incoming === undefined) return this.#inbound !== 'dropped';
    if (this.#incoming.body.reader === 'reading') return true;
    return !this.#continue.isAwaited && this.#incoming.isWorthDropping(counters);
  }

  tellContinue(): boolean {
    if (!this.#continue.tell(this.connection, this.#response)) return false;
    this.#rest();
    return true;
  }

  drained(): Promise<void> {
    if (this.connection.state !== this) return Promise.reject(handedOver());
    this.#drainWaiters ??= new DrainWaiters();
    return this.#drainWaiters.wait(this.connection);
  }

  // ---- called by the request ----

  /** @internal */
  answerTo(request: ServedRequest): ServedResponse | undefined {
    return this.#response?.request === request ? this.#response : undefined;
  }

  letGo(): Buffer {
    const unread = this.takeUnread();
    this.#settings.counters.upgraded();
    this.#response = undefined;
    this.#drop();
    this.#drainWaiters?.fail(handedOver());
    return unread;
  }

  // ---- called by the body ----

  bodyAsked(): void {
    this.tellContinue();
    this.#continue.settle();
    this.#rest();
  }

  bodyTaken(): void {
    if (!this.isPaused) return;
    this.regulate();
    this.#rest();
  }

  collectRefused(): void {
    this.#settings.counters.limited.collectBytes += 1;
  }

  // ---- reading, called by the loop ----

  protected get mayRead(): boolean {
    return this.#inbound === 'head' || this.#incoming !== undefined;
  }

  protected get isDropped(): boolean {
    return this.#inbound === 'dropped';
  }

  protected get bufferedBodyBytes(): number {
    return this.#incoming?.body.bufferedBytes ?? 0;
  }

  protected readSome(chunk: Buffer, from: number): number {
    const incoming = this.#incoming;
    if (this.#inbound === 'head' || incoming === undefined) return this.#readHead(chunk, from);
    return this.#readBody(chunk, from, incoming);
  }

  /** Goes on with what was kept. */
  #advance(): void {
    this.readKept();
    if (this.#inbound === 'head' && this.#peerEnded) this.#leave();
    this.#leaveIfQuiet();
    this.regulate();
    this.#rest();
  }

  #readHead(chunk: Buffer, from: number): number {
    const { parser } = this.#head;
    const at = parser.read(chunk, from);
    if (parser.state === 'done') {
      this.#head.clear();
      this.requestEnds(at);
      this.#dispatch(parser);
    } else if (parser.failure !== undefined) {
      const { failure, line } = parser;
      const toHead = line.method === 'HEAD';
      this.#head.clear();
      parser.reset();
      this.#refuse(failure, toHead);
    } else if (!parser.isFresh) {
      this.#head.keep();
    }
    return at;
  }

  /** Makes the exchange of a complete head and calls the handler; the parser is free when the handler runs. */
  #dispatch(parser: HeadParser): void {
    const { framing, line } = parser;
    const { limits } = this.#settings;
    const toHead = line.method === 'HEAD';
    const refusal = refusalOf(parser, this.#settings);
    if (refusal !== undefined) {
      parser.reset();
      this.#refuse(refusal, toHead);
      return;
    }
    this.#deadlines.met();
    this.#share.requests += 1;
    this.#settings.counters.requests += 1;
    this.#inbound = 'held';
    if (framing.chunked || framing.contentLength > 0) {
      this.#inbound = 'body';
      this.#incoming = new IncomingBody(framing, limits, this);
      const waits = framing.expectation === 'continue' && line.minorVersion !== 0 && !this.hasMoreInHand;
      this.#continue.begin(waits ? 'awaited' : 'none');
      this.requestGoesOn();
    }
    const request = new ServedRequest(this.connection, parser, this.#incoming?.body, this);
    const response = new ServedResponse(this, toHead, line.minorVersion, parser.keepsAlive, request);
    this.#response = response;
    parser.reset();
    callHandler(this.#settings, this.connection, request, response);
  }

  #readBody(chunk: Buffer, from: number, incoming: IncomingBody): number {
    this.#continue.settle();
    const at = incoming.read(chunk, from);
    this.requestEnds(at);
    if (incoming.outcome === 'done') this.#completeBody();
    else if (incoming.failure !== undefined) this.#refuse(incoming.failure, false);
    else if (incoming.outcome === 'excess') this.#cutBody();
    else this.regulate();
    return at;
  }

  #completeBody(): void {
    this.#incoming = undefined;
    if (this.#inbound === 'last-body') this.#leave();
    else this.#inbound = this.#response === undefined ? this.#nextHead() : 'held';
  }

  /** The rest of a body that nobody reads is too long: the connection ends with the current answer. */
  #cutBody(): void {
    this.#settings.counters.limited.discardBytes += 1;
    if (this.#response === undefined) return this.#leave();
    this.#response.keepAlive = false;
    this.#drop();
  }

  /** What comes after a request that is through: the next, unless the peer does not take its answers, or had its share. */
  #nextHead(): Inbound {
    if (this.connection.needsDrain) return 'blocked';
    const { limits, counters } = this.#settings;
    if (!this.#share.isUsedUp(limits.pipelinedRequests) || !this.hasMore) return 'head';
    counters.limited.pipelinedRequests += 1;
    this.#share.yieldTo(() => this.#goOn());
    return 'yielded';
  }

  /** Others had their turn. */
  #goOn(): void {
    if (this.#inbound !== 'yielded') return;
    this.#inbound = this.#nextHead();
    if (this.#inbound === 'head') this.#advance();
  }

  // ---- deadlines ----

  /** Nothing more can be done for now: whatever the peer owes has its deadline from here on. */
  #rest(): void {
    if (this.#inbound === 'dropped') return;
    const mayBody = this.#incoming !== undefined && !this.#continue.isAwaited && !this.isPaused;
    const owed = this.#inbound === 'head' ? owedHead(this.#head, this.#share.requests) : undefined;
    this.#deadlines.owe(owed ?? (mayBody ? 'body' : 'nothing'), this.#incoming);
  }

  #deadlinePassed(): void {
    const { limits, counters } = this.#settings;
    const { connection } = this;
    const what = this.#deadlines.passed();
    const error = overdue(what, limits);
    if (error !== undefined) {
      this.#refuse(error, this.#head.isToHead);
    } else if (what === 'next-request' && !isSending(connection)) {
      counters.limited.keepAliveTimeoutMs += 1;
      this.#leave();
    } else if (what === 'flush' && connection.writeHalf === 'ended') {
      connection.close();
    } else if (what !== 'none') {
      // The last answer is still on its way, to a peer that is slow, but not too slow.
      this.#deadlines.again();
    }
  }

  // ---- leaving ----

  /** Answers with an error, if there is something to answer and no answer has begun; never reads a request again. */
  #refuse(error: HttpRequestError, toHead: boolean): void {
    const pending = this.#response;
    const incoming = this.#incoming;
    // An empty line is no request, and a second answer to one would be taken for that of the next.
    const isAnswerable = pending !== undefined || (incoming === undefined && !this.#head.isBlank);
    this.#settings.counters.refuse(error);
    this.#drop();
    incoming?.body.fail(error);
    if (!isAnswerable) this.#leave();
    else if (pending?.phase === 'streaming') pending.stopWith(error);
    else {
      pending?.abandon(error);
      new ServedResponse(this, pending?.toHead ?? toHead, 1, false).endWithError(error.status, error.message);
    }
  }

  /** No further request: closes when what is queued has left, or when the reader of the last body is through. */
  #leave(): void {
    if (this.#inbound === 'body' && this.#incoming?.body.reader === 'reading' && !this.#peerEnded) {
      this.#inbound = 'last-body';
      return this.connection.end();
    }
    this.#drop();
    this.#deadlines.owe(leave(this.connection));
  }

  #drop(): void {
    this.#inbound = 'dropped';
    this.#incoming = undefined;
    this.#head.clear();
    this.dropUnread();
    this.regulate();
  }

  /** The reactor shuts down, and the head of the last answer was sent before it could say so. */
  #leaveIfQuiet(): void {
    const { requests } = this.#share;
    if (this.#shuttingDown && this.#isIdle() && requests > 0) expectQuiet(this.connection, requests);
  }

  #isIdle(): boolean {
    const isBetween = this.#inbound === 'head' || this.#inbound === 'blocked';
    return isBetween && !this.#head.hasBegun && this.#response === undefined && !this.hasMore;
  }
}
