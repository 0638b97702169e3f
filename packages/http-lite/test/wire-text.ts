/**
 * Wire bytes as text that a person can read and write, and back.
 *
 * Rule: what is printed can be pasted: `wireBytes(visible(bytes))` is `bytes` again.
 */

const NAMED: Readonly<Record<string, string>> = { r: '\r', n: '\n', t: '\t', 0: '\0', '\\': '\\' };
const ESCAPE = /\\(?:x([0-9a-f]{2})|\((.*?)\*(\d+)\)|([rnt0\\]))|\\|\n|[^\x20-\x7e]/gs;

/**
 * The bytes that `text` stands for: `\r`, `\n`, `\t`, `\0`, `\\` and `\xHH` are one byte each, `\(TEXT*COUNT)` is a
 * repetition, and the line breaks of the text are none. Throws for anything else that is not visible ASCII.
 */
export function wireBytes(text: string): Buffer {
  const bytes = text.replace(ESCAPE, (found, hex?: string, unit?: string, count?: string, name?: string) => {
    if (found === '\n') return '';
    if (hex !== undefined) return String.fromCharCode(Number.parseInt(hex, 16));
    if (unit !== undefined) return wireBytes(unit).toString('latin1').repeat(Number(count));
    const named = name === undefined ? undefined : NAMED[name];
    if (named === undefined) throw new Error(`write this as an escape: ${JSON.stringify(found)} in ${text}`);
    return named;
  });
  return Buffer.from(bytes, 'latin1');
}

/** `bytes`, or Latin-1 text, in visible ASCII: one line. */
export function visible(bytes: string | Buffer): string {
  const text = typeof bytes === 'string' ? bytes : bytes.toString('latin1');
  return text.replace(/[\\\r\n\t\0]|[^\x20-\x7e]/g, (byte) => {
    const name = Object.keys(NAMED).find((key) => NAMED[key] === byte);
    return name === undefined ? `\\x${byte.charCodeAt(0).toString(16).padStart(2, '0')}` : `\\${name}`;
  });
}

/** As {@link visible}, but a line each for the lines in it: what goes into a vector. */
export function visibleLines(bytes: string | Buffer): string {
  return visible(bytes)
    .replace(/\\n(?=.)/g, '\\n\n')
    .replace(/ +(?=\n|$)/g, (blanks) => '\\x20'.repeat(blanks.length));
}
