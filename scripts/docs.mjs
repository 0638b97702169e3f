#!/usr/bin/env node
// `npm run docs`: the documentation site, into docs-site/. A warning of TypeDoc fails, and so does a link that leads nowhere.
import { runAsCommand } from '../packages/core-native/scripts/command.mjs';
import { markdownFiles } from './docs/markdown-files.mjs';
import { brokenLinks } from './docs/markdown-links.mjs';
import { brokenSiteLinks } from './docs/site-links.mjs';
import { ROOT } from './root.mjs';
import { setup } from './setup.mjs';

/** Builds the site and looks at every link; resolves with 0, or with 1 when something is wrong, which has been said. */
export async function buildDocs() {
  const { buildSite, SITE } = await import('../tools/documentation/src/site.mjs');
  const isClean = await buildSite();
  const broken = [...markdownFiles().flatMap((path) => brokenLinks(path, ROOT)), ...brokenSiteLinks(SITE)];
  for (const link of broken) process.stdout.write(`${link}\n`);
  if (!isClean || broken.length > 0) return 1;
  process.stdout.write(`\nOpen ${SITE}/index.html\n`);
  return 0;
}

await runAsCommand(import.meta.url, async () => {
  await setup();
  process.exitCode = await buildDocs();
});
