/**
 * A request as its handler sees it.
 *
 * Rule: nothing is made before it is asked for; what is asked for late is as right as what is asked for early.
 */
import type { Connection } from '@sluice/reactor';
import { Body, type RequestBody } from './body.ts';
import { HttpHeaders } from './headers.ts';
import { latin1Text } from './latin1.ts';
import type { HeadParser } from './parser.ts';

/** One request (RFC 9112 §3). Valid for as long as it is held, also after the answer. */
export interface Request {
  /** Case-sensitive, as received: `GET`. Any token may come; CONNECT is refused before a handler sees it. */
  readonly method: string;
  /** The request target as received: a path with its query, an absolute `http(s)` URI, or `*`. Nothing is decoded. */
  readonly target: string;
  /** What the client speaks. A higher minor version counts as 1.1 (RFC 9110 §2.5). */
  readonly httpVersion: '1.1' | '1.0';
  readonly headers: HttpHeaders;
  /** Whether the request announced a body of more than zero bytes, or of unknown length. */
  readonly hasBody: boolean;
  /** The body; empty and complete when there is none. */
  readonly body: RequestBody;
  /** The connection that the request came on. Its reading and writing belong to HTTP. */
  readonly connection: Connection;
}

export class HttpRequest implements Request {
  readonly method: string;
  readonly connection: Connection;
  /** Where the head is, until its text has been made. */
  #memory: Buffer | undefined;
  readonly #start: number;
  readonly #end: number;
  readonly #targetStart: number;
  readonly #targetEnd: number;
  readonly #fieldsStart: number;
  readonly #minorVersion: number;
  #text = '';
  #headers: HttpHeaders | undefined = undefined;
  #body: Body | undefined;

  /** Takes what it needs of `head`, which may be reset afterwards. */
  constructor(connection: Connection, head: HeadParser, body: Body | undefined) {
    this.method = head.line.method;
    this.connection = connection;
    this.#memory = head.memory;
    this.#start = head.start;
    this.#end = head.end;
    this.#targetStart = head.line.targetStart;
    this.#targetEnd = head.line.targetEnd;
    this.#fieldsStart = head.fieldsStart;
    this.#minorVersion = head.line.minorVersion;
    this.#body = body;
  }

  get target(): string {
    return this.#headText().slice(this.#targetStart - this.#start, this.#targetEnd - this.#start);
  }

  get httpVersion(): '1.1' | '1.0' {
    return this.#minorVersion === 0 ? '1.0' : '1.1';
  }

  get headers(): HttpHeaders {
    this.#headers ??= new HttpHeaders(this.#headText(), this.#fieldsStart - this.#start);
    return this.#headers;
  }

  get hasBody(): boolean {
    return this.#body !== undefined && !this.#body.isEmpty;
  }

  get body(): RequestBody {
    this.#body ??= new Body(undefined, 0);
    return this.#body;
  }

  /** Called for a request that outlives its handler's call: lets go of memory that other heads are in. */
  detach(): void {
    this.#headText();
  }

  #headText(): string {
    if (this.#memory === undefined) return this.#text;
    this.#text = latin1Text(this.#memory, this.#start, this.#end);
    this.#memory = undefined;
    return this.#text;
  }
}
