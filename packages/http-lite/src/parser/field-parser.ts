/**
 * The grammar of a field section, of heads and of trailers alike: `*( field-name ":" OWS value OWS CRLF ) CRLF`.
 *
 * Rule: RFC 9112 §5 to the letter. No folded lines, no blank before the colon, no bare CR or LF, no control bytes.
 */

import { HttpRequestError } from '../errors.ts';
import { COLON, CR, HTAB, LF, TOKEN } from './char-class.ts';
import { nextControl, type Scratch } from './scratch.ts';

/**
 * - `name`: at the beginning of a line or inside a name.
 * - `value`: after the colon.
 * - `value-lf`: after the CR that ends a value.
 * - `end-lf`: after the CR of the empty line.
 * - `done`, `failed`: final.
 */
type FieldState = 'name' | 'value' | 'value-lf' | 'end-lf' | 'done' | 'failed';

/** Who is told of each line of a section. */
export interface FieldJudge {
  /** The name is in `bytes[name, colon)`, the value goes up to `end`. Returns why the line is refused. */
  note(bytes: Buffer, name: number, colon: number, end: number): HttpRequestError | undefined;
}

/** One field section in a {@link Scratch}; may be left and taken up at any byte. */
export class FieldParser {
  state: FieldState = 'name';
  failure: HttpRequestError | undefined;
  readonly #limit: number;
  #count = 0;
  #line = 0;
  #colon = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** A new section, whose first line begins at `start`. */
  begin(start: number): void {
    this.state = 'name';
    this.failure = undefined;
    this.#count = 0;
    this.#line = start;
  }

  /** The bytes were moved by `distance`. */
  move(distance: number): void {
    this.#line += distance;
    this.#colon += distance;
  }

  /** Reads `[from, to)`, tells `judge` of each line, and returns where it stopped: at `to`, or before when final. */
  read(scratch: Scratch, from: number, to: number, judge: FieldJudge): number {
    const bytes = scratch.bytes;
    let state = this.state;
    let line = this.#line;
    let colon = this.#colon;
    let at = from;
    for (;;) {
      if (state === 'name') {
        while (at < to && TOKEN[bytes[at] as number] === 1) at++;
        if (at === to) break;
        const stop = bytes[at];
        if (stop === COLON && at > line) {
          colon = at;
          state = 'value';
        } else if (stop === CR && at === line) {
          state = 'end-lf';
        } else {
          return this.#fail(at, nameFault(stop, at === line));
        }
        at++;
      }
      if (state === 'value') {
        at = nextControl(scratch, at, to);
        while (at < to && bytes[at] === HTAB) at = nextControl(scratch, at + 1, to);
        if (at === to) break;
        if (bytes[at] !== CR) return this.#fail(at, VALUE_FAULT);
        state = 'value-lf';
        at++;
      }
      if (at === to) break;
      if (bytes[at] !== LF) return this.#fail(at, 'a CR must be followed by LF');
      at++;
      if (state === 'end-lf') {
        this.state = 'done';
        return at;
      }
      if (++this.#count > this.#limit) return this.#refuse(at, this.#tooMany());
      const failure = judge.note(bytes, line, colon, at - 2);
      if (failure !== undefined) return this.#refuse(at, failure);
      state = 'name';
      line = at;
    }
    this.state = state;
    this.#line = line;
    this.#colon = colon;
    return at;
  }

  #tooMany(): HttpRequestError {
    return new HttpRequestError(
      'ERR_HTTP_HEAD_TOO_LARGE',
      `at most ${this.#limit} header lines are accepted`,
      { limit: 'headerCount' },
    );
  }

  #fail(at: number, message: string): number {
    return this.#refuse(at, new HttpRequestError('ERR_HTTP_HEADER', `${message} (RFC 9112 §5)`));
  }

  #refuse(at: number, failure: HttpRequestError): number {
    this.state = 'failed';
    this.failure = failure;
    return at;
  }
}

const VALUE_FAULT = 'a header value holds a control byte, or a line does not end with CRLF';

function nameFault(stop: number | undefined, atLineStart: boolean): string {
  if (stop === 0x20 || stop === HTAB) {
    return atLineStart
      ? 'a header line must not be folded'
      : 'no whitespace may stand before the colon of a header';
  }
  if (stop === COLON) return 'a header has no name';
  if (stop === LF || stop === CR) return 'a header line has no colon, or does not end with CRLF';
  return 'a header name holds a character that is no token character';
}
