#!/usr/bin/env node
// `npm run docs`: the documentation site, into docs-site/. Anything that TypeDoc warns of, and any link that leads nowhere, fails.
import { runAsCommand } from '../packages/core-native/scripts/command.mjs';
import { setup } from './setup.mjs';

await runAsCommand(import.meta.url, async () => {
  await setup();
  const { buildSite, SITE } = await import('../tools/documentation/src/site.mjs');
  const clean = await buildSite();
  process.stdout.write(clean ? `\nOpen ${SITE}/index.html\n` : '\nThe site is not complete; what is above says why.\n');
  process.exitCode = clean ? 0 : 1;
});
