#!/usr/bin/env node
// `npm run sanitize`: the tests of the addon, the reactor and TLS with AddressSanitizer and UndefinedBehaviorSanitizer.
//   --deep      whole stacks for memory that was lost inside of OpenSSL, ten times as slow
//   anything else goes to vitest (a file name, -t 'part of a title')
import { runAsCommand } from '../packages/core-native/scripts/command.mjs';
import { runSanitized } from './sanitizers/run.mjs';
import { setup } from './setup.mjs';

await runAsCommand(import.meta.url, async (args) => {
  await setup();
  const { failed } = await runSanitized({
    filters: args.filter((arg) => arg !== '--deep'),
    deep: args.includes('--deep'),
  });
  process.exitCode = failed === 0 ? 0 : 1;
});
