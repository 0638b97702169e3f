// Words of a POSIX shell.

/** `text` as one word, whatever it holds but NUL, which no word can. */
export const shellQuoted = (text) => `'${text.replaceAll("'", `'\\''`)}'`;
