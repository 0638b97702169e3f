// The first sentence of a docstring.

/** A full stop, and behind it the end, or white space and something that can begin a sentence. */
const END = /[.!?](?=$|\s+[\p{Lu}\p{N}`({'"*-])/u;

/**
 * The first sentence, on one line and in Markdown; undefined where the text does not begin with one: in the lower case, without
 * an end. A colon with a list behind it ends a sentence too.
 */
export function firstSentence(text) {
  const [paragraph] = text.trim().split(/\n\s*\n/);
  const line = unlinked(paragraph).replace(/\s+/g, ' ').trim().replace(/:$/, '.');
  const end = END.exec(line);
  if (end === null || !/^[\p{Lu}\p{N}`]/u.test(line)) return undefined;
  return line.slice(0, end.index + 1);
}

/** `{@link Name}` as code, `{@link Name|words}` as the words. */
function unlinked(text) {
  return text.replace(
    /\{@link(?:code)?\s+([^}|\s]+)\s*(?:\|?\s*([^}]+?))?\s*\}/g,
    (_, name, words) => words ?? `\`${name}\``,
  );
}
