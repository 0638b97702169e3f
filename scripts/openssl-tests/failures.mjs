// The tests that failed, out of what OpenSSL's `make test` prints (TAP, a test's parts in front of it and further in).

/**
 * Each as `PROGRAM > test` or `PROGRAM > test > ITERATION`, in the order of the output. The program without its paths and options;
 * where none is named, the recipe. A test that failed without any part of it is itself the failure.
 */
export function failuresIn(output) {
  /** By how far in they stand. */
  let open = [];
  const failures = [];
  for (const line of output.split('\n')) {
    const found = /^( *)not ok \d+ - (.+)$/.exec(line);
    if (found === null) continue;
    const [, { length: depth }, title] = found;
    const parts = open.filter((each) => each.depth > depth);
    open = open.filter((each) => each.depth <= depth);
    open.push({ depth, title, parts });
    if (depth > 0) continue;
    for (const test of open) failures.push(...pathsOf(test));
    open = [];
  }
  return failures;
}

function pathsOf({ title, parts }) {
  const name = nameOf(title);
  if (parts.length === 0) return name === undefined ? [] : [name];
  const inner = parts.flatMap(pathsOf);
  if (name === undefined) return inner;
  return inner.map((path) => `${name} > ${path}`);
}

/** Undefined for what only says where a program is configured. */
function nameOf(title) {
  const iteration = /^iteration (\d+)$/.exec(title);
  if (iteration !== null) return iteration[1];
  if (title.startsWith('Test configuration ')) return undefined;
  if (!title.startsWith('running ')) return title;
  const words = title.slice('running '.length).split(' ');
  const isPlain = (word) => word !== '' && !/[=]|^-|default\.cnf$|ssl_test$/.test(word);
  return words
    .filter(isPlain)
    .map((word) => word.split('/').at(-1))
    .join(' ');
}

/** How two lists of failures differ: `more` than expected, and `fewer`. */
export function compareFailures(failures, expected) {
  return {
    more: failures.filter((failure) => !expected.includes(failure)),
    fewer: expected.filter((failure) => !failures.includes(failure)),
  };
}
