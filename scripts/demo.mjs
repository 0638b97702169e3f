#!/usr/bin/env node
// `npm run demo [-- --once]`: runs examples/demo.ts.
import { runAsCommand } from '../packages/core-native/scripts/command.mjs';
import { findExample } from './example.mjs';
import { runProgram } from './run-program.mjs';
import { setup } from './setup.mjs';

await runAsCommand(import.meta.url, async (flags) => {
  const file = findExample('demo');
  await setup();
  await runProgram(file, flags);
});
