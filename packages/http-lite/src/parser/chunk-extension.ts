/**
 * The grammar of chunk extensions (RFC 9112 §7.1.1): `*( ";" name [ "=" ( token / quoted-string ) ] )`.
 *
 * Rule: judged byte by byte and dropped, since a recipient must ignore extensions that it does not know, and none is
 * known here. What is no extension is refused: on where such a line ends, readers have disagreed. That includes the "bad
 * whitespace" around the parts, which nobody sends and which Node.js refuses too (docs/http-differences.md).
 */
import { FIELD_VALUE, SEMICOLON, TOKEN } from './char-class.ts';

/**
 * What the bytes so far are. Where the line may end, it says so.
 *
 * - `size`: the digits before the first extension. May end.
 * - `start`: a semicolon.
 * - `name`: a name. May end.
 * - `equals`: an equals sign behind a name.
 * - `token`: a value. May end.
 * - `quoted`, `escape`: inside a quoted string; after a backslash in it.
 * - `unquoted`: a quoted string with its end. May end.
 */
type ExtensionState = 'size' | 'start' | 'name' | 'equals' | 'token' | 'quoted' | 'escape' | 'unquoted';

const QUOTE = 0x22;
const EQUALS = 0x3d;
const BACKSLASH = 0x5c;

/** The extensions of one chunk line; may be left and taken up at any byte. */
export class ChunkExtension {
  #state: ExtensionState = 'size';

  /** A new line. */
  begin(): void {
    this.#state = 'size';
  }

  /** Whether the line may end here. */
  get isWhole(): boolean {
    const state = this.#state;
    return state === 'size' || state === 'name' || state === 'token' || state === 'unquoted';
  }

  /** Takes a byte that does not end the line; false when the grammar has no place for it. */
  accept(byte: number): boolean {
    const next = nextState(this.#state, byte);
    if (next === undefined) return false;
    this.#state = next;
    return true;
  }
}

function nextState(state: ExtensionState, byte: number): ExtensionState | undefined {
  switch (state) {
    case 'start':
      return TOKEN[byte] === 1 ? 'name' : undefined;
    case 'name':
      if (TOKEN[byte] === 1) return 'name';
      return byte === EQUALS ? 'equals' : afterExtension(byte);
    case 'equals':
      if (byte === QUOTE) return 'quoted';
      return TOKEN[byte] === 1 ? 'token' : undefined;
    case 'token':
      return TOKEN[byte] === 1 ? 'token' : afterExtension(byte);
    case 'quoted':
      if (byte === QUOTE) return 'unquoted';
      if (byte === BACKSLASH) return 'escape';
      return FIELD_VALUE[byte] === 1 ? 'quoted' : undefined;
    case 'escape':
      return FIELD_VALUE[byte] === 1 ? 'quoted' : undefined;
    default:
      return afterExtension(byte);
  }
}

function afterExtension(byte: number): ExtensionState | undefined {
  return byte === SEMICOLON ? 'start' : undefined;
}
