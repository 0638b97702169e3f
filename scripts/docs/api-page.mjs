// docs/api.md: every export of every package, a line each.
// Rule: what is said of an export is said at its declaration; here is only the frame.
import { UNDOCUMENTED_YET } from '../../tools/documentation/src/exceptions.mjs';
import { groupsOf } from './api-groups.mjs';

const HEAD = `# The public interface

<!-- Generated from the docstrings of packages/*/src; \`npx vitest run api-page -u\` writes it anew. -->

Everything that can be imported, with the first sentence of what is said about it. The rest is at the declaration, in the
editor's hints, and on the pages that \`npm run docs\` builds.

## What the words mean everywhere

| word | means |
|---|---|
| \`listen\`, \`connect\` | opens a server, a connection; the promise resolves when it is open, or rejects and leaves nothing open |
| \`end\` | our side has said everything: what was written leaves, then the end is announced. Reading goes on |
| \`close\` | in order, for good. Of a connection: \`end\`, then wait for the peer. Of a server: let everybody finish. Of what is held open (a file, a folder, a watcher): let go |
| \`destroy\` | now; what was written and has not left is lost |
| \`shutdown\` | the whole reactor: \`close\` of every server, then of every connection; \`onShutdown\` is how a protocol hears of either |
| \`write\` | takes bytes, copied; answers whether to go on. \`writeShared\` keeps them by reference |
| \`pause\`, \`resume\` | no \`onData\` (of a connection), no newcomers (of a server) |
| \`upgrade\`, \`become\` | another transport under the connection, another protocol on it |
| \`onX\` | called by the loop, from inside a turn; what it throws costs its own connection only |
| \`toX\`, \`fromX\` | the connection as an X; a protocol out of a function that works on an X |
| \`…Ms\`, \`…Bytes\`, \`…PerSecond\` | the unit of a number. A deadline of 0 is off |
| \`signal\` | an AbortSignal, as the platform has them |
| \`using\`, \`await using\` | \`await using\` of a reactor is \`shutdown()\`, of a server \`close()\`; \`using\` of a file or a folder is \`close()\` |
`;

/** The page for what {@link readExports} has read. Throws where an export has no line, or no place. */
export function apiPage(entries) {
  const problems = entries.flatMap(problemsOf);
  if (problems.length > 0) throw new Error(`docs/api.md cannot be written:\n${problems.join('\n')}`);
  return `${HEAD}${entries.map(section).join('')}`;
}

/** What stands in the way of the page, a sentence each. */
export function problemsOf({ entry, exports }) {
  return [...docstringProblems(entry, exports), ...groupProblems(entry, exports)];
}

function docstringProblems(entry, exports) {
  return exports.flatMap(({ name, summary, declaredIn }) => {
    const isAwaited = UNDOCUMENTED_YET.includes(`${entry.name}.${name}`);
    if (summary === undefined && !isAwaited) {
      return [`${entry.name}: ${name} has no docstring that begins with a sentence (${declaredIn})`];
    }
    return summary !== undefined && isAwaited
      ? [
          `${entry.name}: ${name} has its docstring; take it off the list in tools/documentation/src/exceptions.mjs`,
        ]
      : [];
  });
}

function groupProblems(entry, exports) {
  const names = exports.map(({ name }) => name);
  const placed = groupsOf(entry.name).flatMap((group) => group.names);
  const list = 'scripts/docs/api-groups.mjs';
  return [
    ...names
      .filter((name) => !placed.includes(name))
      .map((name) => `${entry.name}: ${name} is in no group of ${list}`),
    ...placed
      .filter((name) => !names.includes(name))
      .map((name) => `${entry.name}: ${name} is in ${list} and is not exported`),
    ...placed
      .filter((name, index) => placed.indexOf(name) !== index)
      .map((name) => `${entry.name}: ${name} is in two groups of ${list}`),
  ];
}

function section({ entry, exports }) {
  const of = new Map(exports.map((one) => [one.name, one]));
  const groups = groupsOf(entry.name).map(
    ({ heading, names }) =>
      `\n### ${heading}\n\n| | | |\n|---|---|---|\n${names.map((name) => row(of.get(name))).join('')}`,
  );
  return `\n## ${entry.name}\n${groups.join('')}`;
}

function row({ name, kind, summary = '' }) {
  return `| \`${name}\` | ${kind} | ${summary.replaceAll('|', '\\|')} |\n`;
}
