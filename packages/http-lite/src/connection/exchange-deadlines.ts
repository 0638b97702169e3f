/**
 * What the peer of an HTTP connection owes us, and until when: one deadline of the reactor's, for whatever is owed now.
 *
 * Rule: a peer that owes nothing has no deadline here. A request that arrives whole and is answered at once costs one
 * assignment and one call, and never a timer.
 */
import type { Connection } from '@sluice/reactor';
import type { HttpLimits } from '../limits.ts';
import type { PartialHead } from '../parser/partial-head.ts';
import type { IncomingBody } from '../request/incoming-body.ts';

/**
 * - `nothing`: a handler is at work, or the first byte is to come, which is the reactor's business. To any.
 * - `met`: what was owed has come; its deadline still stands, until the next state is known. To any.
 * - `head`: the rest of a head. To `met`, `nothing` or `flush`.
 * - `body`: the rest of a body, which we are reading. To `met`, `nothing` or `flush`.
 * - `next-request`: another request, or the end. To `met`, `nothing` or `flush`.
 * - `flush`: room for the rest of the last answer. Final.
 */
export type Owed = 'nothing' | 'met' | 'head' | 'body' | 'next-request' | 'flush';

/** What was not done in time. `none`: it was, or there is time left. */
export type Overdue = 'none' | 'head' | 'body' | 'body-rate' | 'next-request' | 'flush';

/** How often it is looked at whether the last answer has left. While it has not, the reactor judges who takes it. */
const FLUSH_LOOK_MS = 5_000;

/** What is owed by a peer whose next bytes are a head, of which `head` is here, after so many requests. */
export function owedHead(head: PartialHead, requests: number): 'head' | 'next-request' | 'nothing' {
  // Before the first request an empty line is a beginning, between two it is none.
  if (head.hasBegun) return 'head';
  if (requests > 0) return 'next-request';
  return head.isBlank ? 'head' : 'nothing';
}

export class ExchangeDeadlines {
  owed: Owed = 'nothing';
  readonly #connection: Connection;
  readonly #limits: HttpLimits;
  #incoming: IncomingBody | undefined = undefined;
  /** For how long the body has been owed, as far as its windows have passed; and how long this one is. */
  #bodyMs = 0;
  #windowMs = 0;
  /** What had come of the body when its window began. */
  #markBytes = 0;

  constructor(connection: Connection, limits: HttpLimits) {
    this.#connection = connection;
    this.#limits = limits;
  }

  /** What was owed has come. */
  met(): void {
    this.owed = 'met';
  }

  /** From now on the peer owes `what`; when it did so already its deadline runs on. Of a body, `incoming` is told. */
  owe(what: Exclude<Owed, 'met'>, incoming?: IncomingBody): void {
    if (what === this.owed) return;
    this.owed = what;
    if (what === 'body' && incoming !== undefined) this.#begin(incoming);
    else this.#connection.setDeadline(this.#timeoutMs(what));
  }

  /** The deadline has passed: what is overdue by that. What is not is looked at again later. */
  passed(): Overdue {
    const { owed } = this;
    if (owed === 'nothing' || owed === 'met') return 'none';
    if (owed === 'body') return this.#judgeBody();
    return owed;
  }

  /** Whoever is overdue gets as long again. */
  again(): void {
    if (this.owed !== 'met') this.#connection.setDeadline(this.#timeoutMs(this.owed));
  }

  #timeoutMs(what: Exclude<Owed, 'met'>): number {
    const { headTimeoutMs, keepAliveTimeoutMs } = this.#limits;
    if (what === 'head') return headTimeoutMs;
    if (what === 'next-request') return keepAliveTimeoutMs;
    return what === 'flush' ? FLUSH_LOOK_MS : 0;
  }

  /** A body is owed, for the first time or again. */
  #begin(incoming: IncomingBody): void {
    if (this.#incoming !== incoming) this.#bodyMs = 0;
    this.#incoming = incoming;
    this.#beginWindow(incoming);
  }

  #beginWindow(incoming: IncomingBody): void {
    const { bodyTimeoutMs, bodyRateWindowMs, minBodyBytesPerSecond } = this.#limits;
    const leftMs = bodyTimeoutMs === 0 ? Number.POSITIVE_INFINITY : bodyTimeoutMs - this.#bodyMs;
    const windowMs = minBodyBytesPerSecond === 0 ? Number.POSITIVE_INFINITY : bodyRateWindowMs;
    const nextMs = Math.min(leftMs, windowMs);
    this.#windowMs = nextMs === Number.POSITIVE_INFINITY ? 0 : nextMs;
    this.#markBytes = incoming.receivedBytes;
    this.#connection.setDeadline(this.#windowMs);
  }

  #judgeBody(): Overdue {
    const { bodyTimeoutMs, minBodyBytesPerSecond } = this.#limits;
    const incoming = this.#incoming;
    if (incoming === undefined) return 'none';
    this.#bodyMs += this.#windowMs;
    if (bodyTimeoutMs !== 0 && this.#bodyMs >= bodyTimeoutMs) return 'body';
    const bytes = incoming.receivedBytes - this.#markBytes;
    if (bytes * 1000 < minBodyBytesPerSecond * this.#windowMs) return 'body-rate';
    this.#beginWindow(incoming);
    return 'none';
  }
}
