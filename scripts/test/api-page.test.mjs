import { expect, test } from 'vitest';
import { readExports } from '../docs/api-exports.mjs';
import { apiPage, problemsOf } from '../docs/api-page.mjs';
import { publicEntries } from '../docs/entries.mjs';
import { firstSentence } from '../docs/first-sentence.mjs';

const entries = readExports(publicEntries());

test('every export has a docstring that begins with a sentence, and a place on the page', () => {
  expect(entries.flatMap(problemsOf)).toEqual([]);
});

test('docs/api.md says what the docstrings say', async () => {
  await expect(apiPage(entries)).toMatchFileSnapshot('../../docs/api.md');
});

test('an export without a docstring, without a place, or gone is told of', () => {
  const entry = { name: '@sluice/echo' };
  const undocumented = { name: 'echo', kind: 'function', summary: undefined, declaredIn: 'echo.ts' };
  const unplaced = { name: 'shout', kind: 'function', summary: 'Shouts.', declaredIn: 'echo.ts' };
  expect(problemsOf({ entry, exports: [undocumented, unplaced] })).toEqual([
    '@sluice/echo: echo has no docstring that begins with a sentence (echo.ts)',
    '@sluice/echo: shout is in no group of scripts/docs/api-groups.mjs',
    '@sluice/echo: EchoState is in scripts/docs/api-groups.mjs and is not exported',
  ]);
});

test.each([
  ['Takes it. Gives it back.', 'Takes it.'],
  ['Takes what `a.b` says, of\nepoll(7). `c` is another.', 'Takes what `a.b` says, of epoll(7).'],
  ['Codes of {@link HttpError}.', 'Codes of `HttpError`.'],
  ['One of:\n\n- `a`\n- `b`', 'One of.'],
  ['- `a`: no sentence.', undefined],
  ['in the lower case.', undefined],
  ['No end', undefined],
])('the first sentence of %j', (text, sentence) => {
  expect(firstSentence(text)).toBe(sentence);
});
