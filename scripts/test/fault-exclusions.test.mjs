import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { EXCLUDED_TITLES, FOLDERS, titlePattern } from '../fault-exclusions.mjs';
import { ROOT } from '../root.mjs';

// Conformance suites have their titles in src/.
const tests = FOLDERS.flatMap((folder) => ['src', 'test'].map((part) => join(ROOT, folder, part)))
  .filter((folder) => existsSync(folder))
  .flatMap((folder) =>
    readdirSync(folder, { recursive: true })
      .filter((file) => file.endsWith('.ts'))
      .map((file) => readFileSync(join(folder, file), 'utf8')),
  )
  .join('\n');

it.each(EXCLUDED_TITLES.flatMap(({ titles }) => titles))('"%s" is still the title of a test', (title) => {
  // The last piece of a title that is put together of several.
  expect(tests).toContain(title.split(' with ').at(-1));
});

it('leaves out the titles that are listed, and no other', () => {
  const pattern = new RegExp(titlePattern([{ titles: ['a.b', 'c'] }]));
  expect(['x a.b y', 'ends in c'].map((title) => pattern.test(title))).toEqual([false, false]);
  expect(['x a-b y', 'ordinary'].map((title) => pattern.test(title))).toEqual([true, true]);
});
