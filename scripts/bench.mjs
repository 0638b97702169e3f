#!/usr/bin/env node
// `npm run bench [-- SUITE]`: builds the packages, for those are what people run, and runs bench/run.ts.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { runAsCommand } from '../packages/core-native/scripts/command.mjs';
import { SetupError } from '../packages/core-native/scripts/setup-error.mjs';
import { buildPackages } from './build.mjs';
import { ROOT } from './root.mjs';
import { runProgram } from './run-program.mjs';
import { setup } from './setup.mjs';

await runAsCommand(import.meta.url, async (args) => {
  const file = join(ROOT, 'bench', 'run.ts');
  if (!existsSync(file)) throw new SetupError('this checkout has no bench/run.ts');
  await setup();
  const code = await buildPackages({ declarations: false });
  if (code !== 0) throw new SetupError('the packages do not build; what is above says why');
  process.env.SLUICE_BENCH_BUILT = '1';
  await runProgram(file, args);
});
