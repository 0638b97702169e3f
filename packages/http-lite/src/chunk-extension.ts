/**
 * The grammar of chunk extensions (RFC 9112 §7.1.1): `*( BWS ";" BWS name [ BWS "=" BWS ( token / quoted-string ) ] )`.
 *
 * Rule: judged byte by byte and dropped, since a recipient must ignore extensions that it does not know, and none is
 * known here. What is no extension is refused: on where such a line ends, readers have disagreed.
 */
import { FIELD_VALUE, HTAB, SEMICOLON, SP, TOKEN } from './char-class.ts';

/**
 * What the bytes so far are.
 *
 * - `size`: the digits before the first extension. A line may end here.
 * - `blank`: blanks that a semicolon must follow; after a name, an equals sign may follow too: `name-blank`.
 * - `start`: a semicolon, and blanks.
 * - `name`: a name. A line may end here.
 * - `equals`: an equals sign, and blanks.
 * - `token`: a value. A line may end here.
 * - `quoted`, `escape`: inside a quoted string; after a backslash in it.
 * - `unquoted`: a quoted string with its end. A line may end here.
 */
type ExtensionState =
  | 'size'
  | 'blank'
  | 'name-blank'
  | 'start'
  | 'name'
  | 'equals'
  | 'token'
  | 'quoted'
  | 'escape'
  | 'unquoted';

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
  const isBlank = byte === SP || byte === HTAB;
  switch (state) {
    case 'start':
      if (isBlank) return 'start';
      return TOKEN[byte] === 1 ? 'name' : undefined;
    case 'name':
      if (TOKEN[byte] === 1) return 'name';
      return isBlank ? 'name-blank' : afterName(byte);
    case 'name-blank':
      return isBlank ? 'name-blank' : afterName(byte);
    case 'equals':
      if (isBlank) return 'equals';
      if (byte === QUOTE) return 'quoted';
      return TOKEN[byte] === 1 ? 'token' : undefined;
    case 'quoted':
      if (byte === QUOTE) return 'unquoted';
      if (byte === BACKSLASH) return 'escape';
      return FIELD_VALUE[byte] === 1 ? 'quoted' : undefined;
    case 'escape':
      return FIELD_VALUE[byte] === 1 ? 'quoted' : undefined;
    case 'token':
      if (TOKEN[byte] === 1) return 'token';
      return isBlank ? 'blank' : afterValue(byte);
    default:
      return isBlank ? 'blank' : afterValue(byte);
  }
}

function afterName(byte: number): ExtensionState | undefined {
  return byte === EQUALS ? 'equals' : afterValue(byte);
}

function afterValue(byte: number): ExtensionState | undefined {
  return byte === SEMICOLON ? 'start' : undefined;
}
