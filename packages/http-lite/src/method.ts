/**
 * Method names without a new string per request.
 *
 * Rule: methods are case-sensitive (RFC 9110 §9.1); what is not in the table is made from its bytes, unchanged.
 */
import { createScratch, type Scratch } from './scratch.ts';

const FIRST_WORD = new Map(
  ['GET ', 'POST', 'PUT ', 'HEAD', 'PATC', 'DELE', 'OPTI'].map((text) => [firstWord(text), text] as const),
);
const GET = firstWord('GET ');
const KNOWN: Readonly<Record<string, string>> = {
  POST: 'POST',
  'PUT ': 'PUT',
  HEAD: 'HEAD',
  PATC: 'PATCH',
  DELE: 'DELETE',
  OPTI: 'OPTIONS',
};

/** The method at the beginning of the scratch, `length` bytes, with a space behind it. */
export function methodName(scratch: Scratch, length: number): string {
  const word = scratch.words[0] as number;
  if (word === GET) return 'GET';
  const known = KNOWN[FIRST_WORD.get(word) ?? ''];
  if (known !== undefined && known.length === length && tailMatches(scratch.bytes, known)) return known;
  return scratch.bytes.latin1Slice(0, length);
}

function tailMatches(bytes: Buffer, method: string): boolean {
  for (let index = 4; index < method.length; index++) {
    if (bytes[index] !== method.charCodeAt(index)) return false;
  }
  return true;
}

/** In the machine's own byte order, as the scratch has it. */
function firstWord(text: string): number {
  const scratch = createScratch(4);
  scratch.bytes.write(text, 'latin1');
  return scratch.words[0] as number;
}
