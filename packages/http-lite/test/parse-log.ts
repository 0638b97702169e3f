/**
 * Wire bytes in, event log out, of the parser alone: heads and bodies as they are recognised, without a connection and
 * without a promise. What a server does with the same bytes is told by `replay.ts`, in the same words.
 */
import { HttpRequestError } from '@sluice/http-lite';
import { DEFAULT_HTTP_LIMITS, type HttpLimits } from '../src/limits.ts';
import type { BodyDecoder } from '../src/parser/body-decoder.ts';
import { LengthDecoder } from '../src/parser/body-decoder.ts';
import { ChunkedDecoder } from '../src/parser/chunked-decoder.ts';
import { latin1Text } from '../src/parser/latin1.ts';
import { HeadParser } from '../src/parser/parser.ts';
import { HeadArena } from '../src/parser/scratch.ts';
import { HttpHeaders } from '../src/request/headers.ts';
import { visible } from './wire-text.ts';

/** The line that ends a log when the peer ended inside a head. No method begins with a bracket. */
export const CUT_IN_HEAD = '(the peer ended inside a head)';

/** What was made of one connection's bytes. */
export class ParseLog {
  readonly lines: string[] = [];
  /** What it ended with, if it did. */
  failure: HttpRequestError | undefined;
  readonly #parser: HeadParser;
  readonly #limits: HttpLimits;
  #body: BodyDecoder | undefined;
  #bodyText = '';
  #keepAlive = true;
  /** A refusal of it has no body, so nobody is told the reason. */
  #isHead = false;
  /** Nothing more is read: a refusal, or the answer to the last request. */
  #isOver = false;

  /** Parsers that share an `arena` also share what it remembers of earlier heads. */
  constructor(limits: HttpLimits = DEFAULT_HTTP_LIMITS, arena: HeadArena = new HeadArena()) {
    this.#limits = limits;
    this.#parser = new HeadParser(limits, arena);
  }

  /** Bytes arrive; they are overwritten afterwards, as borrowed memory is. */
  receive(chunk: Buffer): this {
    let at = 0;
    while (at < chunk.length && !this.#isOver) {
      at = this.#body === undefined ? this.#readHead(chunk, at) : this.#readBody(chunk, at, this.#body);
    }
    chunk.fill(0xdd);
    return this;
  }

  /** The peer ends its side. Returns the whole log. */
  end(): string[] {
    if (this.#isOver) return this.lines;
    if (this.#body !== undefined) this.lines.push('  body ERR_HTTP_BODY_TRUNCATED');
    else if (this.#parser.state !== 'start') this.lines.push(CUT_IN_HEAD);
    this.#isOver = true;
    return this.lines;
  }

  #readHead(chunk: Buffer, from: number): number {
    const parser = this.#parser;
    const at = parser.read(chunk, from);
    this.#isHead = parser.line.method === 'HEAD';
    if (parser.failure !== undefined) this.#refuse(parser.failure);
    else if (parser.state === 'done') this.#begin();
    return at;
  }

  #begin(): void {
    const { framing, line, memory, start, end, fieldsStart } = this.#parser;
    const { method, minorVersion } = line;
    const refusal = refusalOf(this.#parser);
    const target = latin1Text(memory, line.targetStart, line.targetEnd);
    const fields = [...new HttpHeaders(latin1Text(memory, start, end), fieldsStart - start)];
    this.#keepAlive = !framing.close && (minorVersion !== 0 || framing.keepAlive);
    if (framing.chunked) this.#body = new ChunkedDecoder(this.#limits);
    else if (framing.contentLength > 0) this.#body = new LengthDecoder(framing.contentLength);
    this.#bodyText = '';
    this.#parser.reset();
    if (refusal !== undefined) return this.#refuse(refusal);
    this.lines.push(`${method} ${target} HTTP/1.${minorVersion}`);
    for (const [name, value] of fields) this.lines.push(visible(`  ${name}: ${value}`));
    if (this.#body === undefined) this.#answered();
  }

  #readBody(chunk: Buffer, from: number, body: BodyDecoder): number {
    let at = body.step(chunk, from);
    while (body.outcome === 'data') {
      this.#bodyText += latin1Text(chunk, body.dataStart, at);
      at = body.step(chunk, at);
    }
    if (body.outcome === 'done') {
      this.#body = undefined;
      this.lines.push(`  body "${visible(this.#bodyText)}"`);
      this.#answered();
    } else if (body.failure !== undefined) {
      this.lines.push(`  body ${body.failure.code}`);
      this.#refuse(body.failure, '  ');
    }
    return at;
  }

  #answered(): void {
    this.lines.push(answerLine('  ', 200, !this.#keepAlive));
    if (!this.#keepAlive) this.#isOver = true;
  }

  #refuse(failure: HttpRequestError, indent = ''): void {
    const { status, code, message } = failure;
    this.failure = failure;
    this.lines.push(answerLine(indent, status, true, this.#isHead ? '' : message, code));
    this.#isOver = true;
  }
}

/** The log of `wire` in pieces that end at `cuts`, then the peer's end. */
export function parseLog(
  wire: Buffer,
  cuts: readonly number[] = [],
  log: ParseLog = new ParseLog(),
): string[] {
  let from = 0;
  for (const cut of [...cuts, wire.length]) {
    if (cut > from) log.receive(Buffer.from(wire.subarray(from, cut)));
    from = Math.max(from, cut);
  }
  return log.end();
}

/** How an answer is told in a log. */
export function answerLine(indent: string, status: number, close: boolean, message = '', code = ''): string {
  const reason = message === '' ? '' : `: ${message}`;
  return `${indent}=> ${status}${close ? ' close' : ''}${code === '' ? '' : ` ${code}`}${reason}`;
}

/** Heads that are well-formed, and that a server refuses nevertheless (`http-state.ts`). */
function refusalOf({ line, framing }: HeadParser): HttpRequestError | undefined {
  if (line.method === 'CONNECT') {
    const message = 'this is an origin server; it opens no tunnels (RFC 9110 §9.3.6)';
    return new HttpRequestError('ERR_HTTP_METHOD', message);
  }
  if (framing.expectation !== 'unknown' || line.minorVersion === 0) return undefined;
  return new HttpRequestError(
    'ERR_HTTP_EXPECTATION',
    '100-continue is the only expectation that is met here',
  );
}
