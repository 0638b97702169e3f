#!/usr/bin/env node
// `npm run bench [-- SUITE]`: runs bench/run.ts, whose own set-up it is to fetch what it compares with.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { runAsCommand } from '../packages/core-native/scripts/command.mjs';
import { SetupError } from '../packages/core-native/scripts/setup-error.mjs';
import { ROOT } from './root.mjs';
import { runProgram } from './run-program.mjs';
import { setup } from './setup.mjs';

await runAsCommand(import.meta.url, async (args) => {
  const file = join(ROOT, 'bench', 'run.ts');
  if (!existsSync(file)) throw new SetupError('this checkout has no bench/run.ts');
  await setup();
  await runProgram(file, args);
});
