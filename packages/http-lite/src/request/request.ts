/**
 * A request as its handler sees it.
 *
 * Rule: nothing is made before it is asked for; what is asked for late is as right as what is asked for early.
 */
import type { Connection, Protocol } from '@sluice/reactor';
import {
  type HttpUpgradeOptions,
  offeredProtocols,
  type SwitchOwner,
  switchProtocol,
} from '../connection/protocol-switch.ts';
import type { FieldSection } from '../parser/field-memo.ts';
import { latin1Text } from '../parser/latin1.ts';
import type { HeadParser } from '../parser/parser.ts';
import { targetPath, targetQuery } from '../parser/request-target.ts';
import { Body, type RequestBody } from './body.ts';
import { HttpHeaders, headersOf } from './headers.ts';

/** One request (RFC 9112 §3). Valid for as long as it is held, also after the answer. */
export interface HttpRequest {
  /** Case-sensitive, as received: `GET`. Any token may come; CONNECT only with the option `connect`. */
  readonly method: string;
  /**
   * The request target as received: a path with its query, an absolute `http(s)` URI, or `*`; of CONNECT a host and a port.
   * Nothing is decoded.
   */
  readonly target: string;
  /** The path of the target, neither decoded nor normalised; the target of CONNECT, and `*` when it is that. */
  readonly path: string;
  /** The query of the target, decoded as forms are (WHATWG URL); empty when there is none. Made when it is asked for. */
  readonly query: URLSearchParams;
  /** What the client speaks. A higher minor version counts as 1.1 (RFC 9110 §2.5). */
  readonly httpVersion: '1.1' | '1.0';
  readonly headers: HttpHeaders;
  /** Whether the request announced a body of more than zero bytes, or of unknown length. */
  readonly hasBody: boolean;
  /** The body; empty and complete when there is none. */
  readonly body: RequestBody;
  /**
   * The trailer fields behind a chunked body (RFC 9110 §6.5), once all of that has arrived, which it has when it was read
   * to its end; empty before, and where there are none. The peer chose them after everything else was judged: they are
   * never merged into {@link headers}.
   */
  readonly trailers: HttpHeaders;
  /**
   * Aborted when nobody is likely to want the answer any more, with an {@link HttpPeerError} as reason: `ERR_HTTP_PEER_GONE`
   * when the connection has closed, `ERR_HTTP_PEER_ENDED` when the peer ended its side while the answer was outstanding. A
   * client that gives up does the latter, and so does one that only half-closes: an answer is still sent. With an
   * {@link HttpRequestError} when the request was refused in the middle of its body. Never aborted once the answer has
   * ended. Made when it is asked for.
   */
  readonly signal: AbortSignal;
  /**
   * Whether it may be a replay, for it came as early data (TLS 1.3, RFC 8470): to us, or to a proxy that says so
   * (`Early-Data`). Only methods that are safe reach a handler so, all others are answered 425. A handler that may not do
   * even this twice throws `new HttpRequestError('ERR_HTTP_TOO_EARLY', …)`.
   */
  readonly early: boolean;
  /**
   * Protocols that the client offers to go on with on this connection, most wanted first (`websocket`, `HTTP/2.0`), as it
   * spells them. Empty when it asks for none, and in HTTP/1.0. Nobody has to follow: an ordinary answer is one, too.
   */
  readonly upgrades: readonly string[];
  /**
   * Hands the connection to `protocol`, for good, in place of an answer: sends `101 Switching Protocols` to a client that
   * offers it, or the 200 that opens the tunnel to one that has sent CONNECT, and calls `conn.become()`. `onOpen` runs in
   * this call; what has come behind the request is the first `onData`. HTTP is over: pipelined requests are bytes of the new
   * protocol, and the deadlines are those of the reactor's limits.
   *
   * @returns whether `protocol` has the connection: false when that has closed, or closes, and when `onOpen` threw.
   * @throws HttpUsageError `ERR_HTTP_UPGRADE` where the client does not offer it (look at {@link upgrades}), in HTTP/1.0, and
   * before a body was read to its end; `ERR_HTTP_HEAD_SENT`, `ERR_HTTP_ENDED` after an answer; as `res.writeInformation` for
   * `fields`. HttpRequestError `ERR_HTTP_TOO_EARLY`, which answers 425, for a request that came {@link early}. UsageError
   * `ERR_OPTION_VALUE`, `ERR_UNKNOWN_OPTION`. Nothing has been sent then.
   */
  upgrade<State>(protocol: Protocol<State>, options?: HttpUpgradeOptions): boolean;
  /**
   * The connection that the request came on, with the addresses of both ends and, over TLS, what was negotiated
   * (`connection.transport`, and `connection.tls` of @sluice/tls). Its reading and writing belong to HTTP.
   */
  readonly connection: Connection;
}

const NO_TRAILERS = new HttpHeaders('\r\n\r\n', 2);

export class ServedRequest implements HttpRequest {
  readonly method: string;
  readonly early: boolean;
  readonly connection: Connection;
  /** What few handlers ask for, made when one does. */
  #query: URLSearchParams | undefined;
  #abort: AbortController | undefined;
  /** Why nobody wants the answer. */
  #gone: Error | undefined;
  /** Where the head is, until its text has been made. */
  #memory: Buffer | undefined;
  readonly #start: number;
  readonly #end: number;
  readonly #targetStart: number;
  readonly #targetEnd: number;
  readonly #fieldsStart: number;
  readonly #minorVersion: number;
  readonly #section: FieldSection | undefined;
  #text = '';
  #headers: HttpHeaders | undefined = undefined;
  #body: Body | undefined;
  readonly #owner: SwitchOwner;

  /** Takes what it needs of `head`, which may be reset afterwards. */
  constructor(connection: Connection, head: HeadParser, body: Body | undefined, owner: SwitchOwner) {
    this.method = head.line.method;
    this.early = connection.lifecycle === 'early' || head.framing.earlyData;
    this.connection = connection;
    this.#memory = head.memory;
    this.#start = head.start;
    // Fields that are known need no text of this head's.
    this.#section = head.section;
    this.#end = head.section === undefined ? head.end : head.fieldsStart;
    this.#targetStart = head.line.targetStart;
    this.#targetEnd = head.line.targetEnd;
    this.#fieldsStart = head.fieldsStart;
    this.#minorVersion = head.line.minorVersion;
    this.#body = body;
    this.#owner = owner;
  }

  get target(): string {
    return this.#headText().slice(this.#targetStart - this.#start, this.#targetEnd - this.#start);
  }

  get path(): string {
    return targetPath(this.target);
  }

  get query(): URLSearchParams {
    this.#query ??= new URLSearchParams(targetQuery(this.target));
    return this.#query;
  }

  get httpVersion(): '1.1' | '1.0' {
    return this.#minorVersion === 0 ? '1.0' : '1.1';
  }

  get headers(): HttpHeaders {
    this.#headers ??=
      this.#section === undefined
        ? new HttpHeaders(this.#headText(), this.#fieldsStart - this.#start)
        : headersOf(this.#section);
    return this.#headers;
  }

  get hasBody(): boolean {
    return this.#body !== undefined && !this.#body.isEmpty;
  }

  get body(): RequestBody {
    this.#body ??= new Body(undefined, 0);
    return this.#body;
  }

  get trailers(): HttpHeaders {
    return this.#body?.trailers ?? NO_TRAILERS;
  }

  get signal(): AbortSignal {
    if (this.#abort === undefined) {
      this.#abort = new AbortController();
      if (this.#gone !== undefined) this.#abort.abort(this.#gone);
    }
    return this.#abort.signal;
  }

  get upgrades(): readonly string[] {
    return this.#minorVersion === 0 ? [] : offeredProtocols(this.headers);
  }

  upgrade<State>(protocol: Protocol<State>, options: HttpUpgradeOptions = {}): boolean {
    return switchProtocol(this, this.#owner, protocol as unknown as Protocol<never>, options);
  }

  /** Nobody wants the answer any more. */
  get isAbandoned(): boolean {
    return this.#gone !== undefined;
  }

  /** Whether nothing of the request is to come. */
  get isRead(): boolean {
    return this.#body === undefined || this.#body.isEmpty || this.#body.isRead;
  }

  /** Called while its answer is outstanding: nobody wants that any more. Only the first reason counts. */
  abandon(reason: Error): void {
    if (this.#gone !== undefined) return;
    this.#gone = reason;
    this.#abort?.abort(reason);
  }

  /** Called for a request that outlives its handler's call: lets go of memory that other heads are in. */
  detach(): void {
    this.#headText();
    this.#section?.detach();
  }

  #headText(): string {
    if (this.#memory === undefined) return this.#text;
    this.#text = latin1Text(this.#memory, this.#start, this.#end);
    this.#memory = undefined;
    return this.#text;
  }
}
