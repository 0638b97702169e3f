// Whether the links of a Markdown file lead anywhere: to files of this clone, to headings, to addresses that can be one.
// Rule: nothing is fetched. Whoever is on the other end of an address is not asked.
import { existsSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';

/** `[words](target)`, `![words](target "title")`; and `[name]: target` at the beginning of a line. */
const INLINE = /\]\(\s*<?([^)\s>]*)>?(?:\s+"[^"]*")?\s*\)/g;
const DEFINITION = /^\[[^\]]+\]:\s+<?(\S+?)>?\s*$/gm;
const HTML = /<(?:a|img)\s[^>]*?(?:href|src)="([^"]*)"/g;

/** What is wrong with the links of the file at `path`, of the clone at `root`: a sentence each. */
export function brokenLinks(path, root) {
  const text = withoutCode(readFileSync(path, 'utf8'));
  const targets = [INLINE, DEFINITION, HTML].flatMap((pattern) =>
    [...text.matchAll(pattern)].map(([, target]) => target),
  );
  return [...new Set(targets)].flatMap((target) => {
    const problem = problemOf(target, path, root);
    return problem === undefined ? [] : [`${relative(root, path)}: ${target || '()'} ${problem}`];
  });
}

function problemOf(target, path, root) {
  if (target === '') return 'is empty';
  if (/^[a-z][a-z0-9+.-]*:/i.test(target)) return problemOfAddress(target);
  const [file, anchor] = target.split('#', 2).map(decodeURIComponent);
  const place = file === '' ? path : join(dirname(path), file);
  if (file.startsWith('/')) return 'is absolute: nobody else has that folder';
  if (relative(root, place).startsWith('..')) return 'leads out of the clone';
  if (!existsSync(place)) return 'does not exist';
  if (anchor === undefined) return undefined;
  if (!place.endsWith('.md') || statSync(place).isDirectory()) return 'has an anchor, and is no Markdown';
  return anchorsOf(readFileSync(place, 'utf8')).has(anchor) ? undefined : 'is no heading there';
}

function problemOfAddress(address) {
  if (!URL.canParse(address)) return 'is no address';
  const { protocol, hostname } = new URL(address);
  if (protocol === 'mailto:') return undefined;
  if (protocol !== 'https:' && protocol !== 'http:') return `begins with ${protocol}`;
  return hostname === 'localhost' || hostname.includes('.') ? undefined : 'names no host';
}

/** The anchors that the headings of a Markdown text have, as GitHub makes them. */
export function anchorsOf(text) {
  const counts = new Map();
  const anchors = new Set();
  for (const [, heading] of withoutCode(text, false).matchAll(/^#{1,6}\s+(.+?)\s*#*$/gm)) {
    const slug = slugOf(heading);
    const count = counts.get(slug) ?? 0;
    counts.set(slug, count + 1);
    anchors.add(count === 0 ? slug : `${slug}-${count}`);
  }
  return anchors;
}

function slugOf(heading) {
  return heading
    .replace(/\[([^\]]*)\]\([^)]*\)/g, '$1')
    .replace(/[`*]/g, '')
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\p{M} _-]/gu, '')
    .replaceAll(' ', '-');
}

/** Blocks of code, and code within a line, hold no links and no headings. */
function withoutCode(text, andInline = true) {
  const outside = text.replace(/^( *)(`{3,}|~{3,})[^\n]*\n[\s\S]*?^ *\2[^\n]*$/gm, '');
  return andInline ? outside.replace(/(`+)(?!`)[^\n]*?[^`]\1(?!`)/g, '``') : outside;
}
