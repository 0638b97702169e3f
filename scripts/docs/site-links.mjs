// Whether every link of the built site leads to a page and an anchor of it, and nothing is loaded from elsewhere.
// Rule: the site works without a network, from a folder.
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';

const LINK = /<(a|link|script|img)\b[^>]*?\s(?:href|src)="([^"]*)"/g;
const ID = /\s(?:id|name)="([^"]+)"/g;

/** What is wrong with the pages of the site in `folder`: a sentence each. */
export function brokenSiteLinks(folder) {
  const pages = readdirSync(folder, { recursive: true }).filter((name) => name.endsWith('.html'));
  const read = memoized((path) => readFileSync(path, 'utf8'));
  const ids = memoized((path) => new Set([...read(path).matchAll(ID)].map(([, id]) => unescaped(id))));
  return pages.flatMap((page) => {
    const links = [...read(join(folder, page)).matchAll(LINK)].map(([, tag, target]) => ({
      tag,
      target: unescaped(target),
    }));
    const problems = links.map(({ tag, target }) => problemOf(tag, target, join(folder, page), folder, ids));
    return [...new Set(problems.filter((problem) => problem !== undefined))].map(
      (problem) => `${page}: ${problem}`,
    );
  });
}

function problemOf(tag, target, page, folder, ids) {
  if (/^(?:[a-z]+:|\/\/)/i.test(target))
    return tag === 'a' ? undefined : `${target} is loaded from elsewhere`;
  const [file, anchor] = target.split('#', 2).map((part) => decodeURIComponent(part));
  const bare = file.replace(/\?.*$/, '');
  const place = bare === '' ? page : join(dirname(page), bare);
  if (relative(folder, place).startsWith('..')) return `${target} leads out of the site`;
  if (!existsSync(place) || !statSync(place).isFile()) return `${target} does not exist`;
  if (anchor === undefined || anchor === '' || !place.endsWith('.html')) return undefined;
  return ids(place).has(anchor) ? undefined : `${target} is no anchor there`;
}

function unescaped(text) {
  return text
    .replaceAll('&quot;', '"')
    .replaceAll('&#39;', "'")
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&amp;', '&');
}

function memoized(make) {
  const made = new Map();
  return (key) => {
    if (!made.has(key)) made.set(key, make(key));
    return made.get(key);
  };
}
