/**
 * Strings that are written often, in the one representation that costs nothing to write.
 *
 * Rule: only for strings that are cached; making one costs a copy.
 */

/**
 * The same Latin-1 text as one run of bytes. V8 keeps concatenated text as a tree and would walk that tree anew for
 * each answer that it is a part of.
 */
export function flatString(text: string): string {
  return Buffer.from(text, 'latin1').latin1Slice();
}
