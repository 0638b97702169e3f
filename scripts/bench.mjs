#!/usr/bin/env node
// `npm run bench [-- SUITE]`: builds the packages and the addon as they are published, for those are what people run, and runs
// bench/run.ts.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { ensureOptimizedAddon } from '../packages/core-native/scripts/build.mjs';
import { runAsCommand } from '../packages/core-native/scripts/command.mjs';
import { withFileLock } from '../packages/core-native/scripts/file-lock.mjs';
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
  // Whoever chooses an addon wants that one measured.
  process.env.SLUICE_ADDON ??= await withFileLock(join(ROOT, '.cache', 'setup.lock'), ensureOptimizedAddon);
  await runProgram(file, args);
});
