/**
 * The header fields of a request, found in the text of its head when they are asked for.
 *
 * Rule: the text has passed the parser. So each CRLF in it begins a field, and names need no second check.
 */
import { isToken } from '../parser/char-class.ts';
import type { FieldSection } from '../parser/field-memo.ts';

/** Header fields of a request. Names are compared without regard to case; values are Latin-1 text as received. */
export class HttpHeaders implements Iterable<[name: string, value: string]> {
  readonly #text: string;
  /** Where the first line begins. A CRLF stands before it. */
  readonly #start: number;
  #folded: string | undefined;
  /** What was asked before, of fields that many requests have; null of what is not there. */
  readonly #answers: Map<string, string | null> | undefined;
  /** The same for {@link hasPrefix}. */
  readonly #prefixes: Map<string, boolean> | undefined;

  /** @internal `text` is a whole head; its first header line begins at `start`. `recurs`: it is asked for many requests. */
  constructor(text: string, start: number, recurs = false) {
    this.#text = text;
    this.#start = start;
    this.#answers = recurs ? new Map() : undefined;
    this.#prefixes = recurs ? new Map() : undefined;
  }

  /**
   * The value of a field; several lines of one name are joined with a comma (RFC 9110 §5.3), those of Cookie with a
   * semicolon (RFC 6265 §5.4). Undefined when there is none.
   */
  get(name: string): string | undefined {
    const answers = this.#answers;
    if (answers === undefined) return this.#search(name);
    const known = answers.get(name);
    if (known !== undefined) return known ?? undefined;
    const value = this.#search(name);
    if (answers.size < MAX_ANSWERS) answers.set(name, value ?? null);
    return value;
  }

  #search(name: string): string | undefined {
    const needle = needleFor(name);
    let at = this.#find(needle, this.#start - 2);
    if (at < 0) return undefined;
    let value = this.#value(at + needle.length);
    const separator = needle === '\r\ncookie:' ? '; ' : ', ';
    for (;;) {
      at = this.#find(needle, at + needle.length);
      if (at < 0) return value;
      value += separator + this.#value(at + needle.length);
    }
  }

  /** The values of all lines with this name, in the order received. */
  getAll(name: string): string[] {
    const needle = needleFor(name);
    const values: string[] = [];
    let at = this.#find(needle, this.#start - 2);
    while (at >= 0) {
      values.push(this.#value(at + needle.length));
      at = this.#find(needle, at + needle.length);
    }
    return values;
  }

  /** Whether there is a line with this name. */
  has(name: string): boolean {
    return this.#find(needleFor(name), this.#start - 2) >= 0;
  }

  /** @internal Whether the name of a line begins with `prefix`, which is in lower case. */
  hasPrefix(prefix: string): boolean {
    const known = this.#prefixes?.get(prefix);
    if (known !== undefined) return known;
    const has = this.#find(`\r\n${prefix}`, this.#start - 2) >= 0;
    this.#prefixes?.set(prefix, has);
    return has;
  }

  /** Name, as sent, and value of each line, in the order received. */
  *[Symbol.iterator](): Iterator<[name: string, value: string]> {
    const text = this.#text;
    let line = this.#start;
    while (line < text.length - 2) {
      const colon = text.indexOf(':', line);
      yield [text.slice(line, colon), this.#value(colon + 1)];
      line = text.indexOf('\r\n', colon) + 2;
    }
  }

  #find(needle: string, from: number): number {
    if (needle === '') return -1;
    if (this.#folded === undefined) this.#folded = this.#text.toLowerCase();
    return this.#folded.indexOf(needle, from);
  }

  /** The value that begins behind a colon, without the blanks around it. */
  #value(from: number): string {
    let start = from;
    let end = this.#text.indexOf('\r\n', from);
    while (start < end && isBlank(this.#text.charCodeAt(start))) start++;
    while (end > start && isBlank(this.#text.charCodeAt(end - 1))) end--;
    return this.#text.slice(start, end);
  }
}

/** The fields of a section that recurs. */
export function headersOf(section: FieldSection): HttpHeaders {
  section.headers ??= new HttpHeaders(section.text, 2, true);
  return section.headers;
}

/** Names whose answers are remembered: nobody asks for more, but for who makes them up. */
const MAX_ANSWERS = 64;

/** Programs ask for a few names, over and over: those are remembered, as they are spelt. */
const needles = new Map<string, string>();
const MAX_NEEDLES = 256;

/** What stands before a value of that name in the folded text. Empty for what cannot be a name. */
function needleFor(name: string): string {
  const known = needles.get(name);
  if (known !== undefined) return known;
  const needle = isToken(name) ? `\r\n${name.toLowerCase()}:` : '';
  if (needles.size < MAX_NEEDLES) needles.set(name, needle);
  return needle;
}

function isBlank(code: number): boolean {
  return code === 0x20 || code === 0x09;
}
