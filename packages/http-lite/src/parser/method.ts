/**
 * Method names without a new string per request.
 *
 * Rule: methods are case-sensitive (RFC 9110 §9.1); what is not in the table is made from its bytes, unchanged.
 */
import { latin1Text } from './latin1.ts';
import { createScratch, type Scratch } from './scratch.ts';

/** `GET` and a space, as a word of a scratch has it. */
export const GET_WORD: number = firstWord('GET ');

const KNOWN = new Map(
  ['POST', 'PUT', 'HEAD', 'PATCH', 'DELETE', 'OPTIONS'].map((method) => [firstWord(`${method} `), method]),
);

/** The method in `[from, to)`, which begins at a word's border and has a space behind it. */
export function methodName(scratch: Scratch, from: number, to: number): string {
  const known = KNOWN.get(scratch.words[from >> 2] as number);
  if (known !== undefined && known.length === to - from && tailMatches(scratch.bytes, from, known))
    return known;
  return latin1Text(scratch.bytes, from, to);
}

const SAFE = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE']);

/** Whether a client asks for no change by it (RFC 9110 §9.2.1). */
export function isSafe(method: string): boolean {
  return SAFE.has(method);
}

function tailMatches(bytes: Buffer, from: number, method: string): boolean {
  for (let index = 4; index < method.length; index++) {
    if (bytes[from + index] !== method.charCodeAt(index)) return false;
  }
  return true;
}

/** The first four bytes, in the machine's own byte order, as the scratch has it. */
function firstWord(text: string): number {
  const scratch = createScratch(4);
  scratch.bytes.write(text.slice(0, 4), 'latin1');
  return scratch.words[0] as number;
}
