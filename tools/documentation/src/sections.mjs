// Where each page stands in the site's navigation.
import { relative } from 'node:path';
import { ROOT } from '../../../scripts/root.mjs';

const PAGES = {
  Guides: [
    'framing',
    'streams',
    'sessions',
    'kernel-tls',
    'testing',
    'conformance',
    'packages',
    'write-a-protocol',
  ],
  Reference: ['api', 'errors', 'states', 'http-parser', 'http-differences', 'interoperability'],
  'How it works': ['architecture', 'pitfalls', 'benchmarks', 'performance-notes', 'profile'],
};
const OTHERS = 'Working on Sluice';

/** In the order in which they are shown. */
export const SECTIONS = [...Object.keys(PAGES), OTHERS];

/** The section of a page of docs/, or of another Markdown file. */
export function sectionOf(path) {
  return SECTIONS.find((section) => PAGES[section]?.includes(nameOf(path))) ?? OTHERS;
}

/** Its place in the section. */
export function placeOf(path) {
  const names = Object.values(PAGES).flat();
  const index = names.indexOf(nameOf(path));
  return index === -1 ? names.length : index;
}

function nameOf(path) {
  return /^docs\/(.+)\.md$/.exec(relative(ROOT, path))?.[1];
}
