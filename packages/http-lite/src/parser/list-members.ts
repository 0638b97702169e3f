/**
 * The members of a comma-separated list (RFC 9110 §5.6.1) that has no quoted strings in it.
 *
 * Rule: in one pass. A field is up to a head long, and `/[ \t]+$/` over blanks that something follows takes the square of that.
 */

/** Members in order, without the blanks around them; empty ones are none. */
export function listMembers(list: string): string[] {
  return list
    .split(',')
    .map(withoutBlanks)
    .filter((member) => member !== '');
}

function withoutBlanks(text: string): string {
  let start = 0;
  let end = text.length;
  while (start < end && isBlank(text, start)) start += 1;
  while (end > start && isBlank(text, end - 1)) end -= 1;
  return text.slice(start, end);
}

function isBlank(text: string, at: number): boolean {
  const code = text.charCodeAt(at);
  return code === 0x20 || code === 0x09;
}
