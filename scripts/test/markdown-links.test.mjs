import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { markdownFiles } from '../docs/markdown-files.mjs';
import { anchorsOf, brokenLinks } from '../docs/markdown-links.mjs';
import { brokenSiteLinks } from '../docs/site-links.mjs';
import { ROOT } from '../root.mjs';

const folder = mkdtempSync(join(tmpdir(), 'links-'));
afterAll(() => rmSync(folder, { recursive: true }));

function file(name, text) {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

test('every link of every Markdown file leads somewhere', () => {
  const files = markdownFiles();
  expect(files).toContain(join(ROOT, 'docs/api.md'));
  expect(files.flatMap((path) => brokenLinks(path, ROOT))).toEqual([]);
});

test('links that lead nowhere are told of, once each', () => {
  file('other.md', '# What `it` does, *here*\n\n```sh\n# no heading\n```\n\n## Twice\n\n## Twice\n');
  const page = file(
    'page.md',
    [
      '[a](other.md#what-it-does-here) [b](other.md#twice-1) [c](#top) [d](.) [e](https://example.com/x#y) [f](mailto:a@b.c)',
      '# Top',
      '[gone](gone.md) and again [gone](gone.md), [`x`](other.md#no-heading) [![p](gone.svg)](other.md)',
      '[out](../../x.md) [root](/etc/passwd) [odd](ftp://example.com) [bare](https://nowhere) [none]() [code](page.txt#L1)',
      '`[in](code.md)` and',
      '```md\n[in](code.md)\n```',
      '[ref][r]\n\n[r]: gone-too.md',
      '<img src="picture.svg">',
    ].join('\n'),
  );
  file('page.txt', '');
  expect(brokenLinks(page, folder)).toEqual([
    'page.md: gone.md does not exist',
    'page.md: other.md#no-heading is no heading there',
    'page.md: gone.svg does not exist',
    'page.md: ../../x.md leads out of the clone',
    'page.md: /etc/passwd is absolute: nobody else has that folder',
    'page.md: ftp://example.com begins with ftp:',
    'page.md: https://nowhere names no host',
    'page.md: () is empty',
    'page.md: page.txt#L1 has an anchor, and is no Markdown',
    'page.md: gone-too.md does not exist',
    'page.md: picture.svg does not exist',
  ]);
});

test('headings have the anchors that GitHub gives them', () => {
  const text = '# A `b`: c & d\n## A [link](x.md) – e_f\n### `wants-read`\n#### Same\n#### Same\n';
  expect([...anchorsOf(text)]).toEqual(['a-b-c--d', 'a-link--e_f', 'wants-read', 'same', 'same-1']);
});

test('a page of the site that leads nowhere, or loads from elsewhere, is told of', () => {
  const site = join(folder, 'site');
  mkdirSync(join(site, 'pages'), { recursive: true });
  writeFileSync(
    join(site, 'index.html'),
    '<a href="pages/one.html#here">x</a><a href="#gone">y</a><p id="there">',
  );
  writeFileSync(
    join(site, 'pages', 'one.html'),
    '<p id="here"><a href="../index.html#there"></a><a href="https://example.com">z</a><script src="https://example.com/a.js"></script><a href="two.html"></a><a href="../"></a>',
  );
  expect(brokenSiteLinks(site)).toEqual([
    'index.html: #gone is no anchor there',
    'pages/one.html: https://example.com/a.js is loaded from elsewhere',
    'pages/one.html: two.html does not exist',
    'pages/one.html: ../ does not exist',
  ]);
});
