#!/usr/bin/env node
// `npm run build`: the addon (part of the set-up) and dist/ of every package.
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { runAsCommand } from '../packages/core-native/scripts/command.mjs';
import { ROOT } from './root.mjs';
import { setup } from './setup.mjs';
import { runInOrder, runTool, toolPath } from './tool.mjs';

/** Builds dist/ of all packages, without the declarations if so asked; resolves with the first exit code that is not 0. */
export function buildPackages({ declarations = true } = {}) {
  const folders = readdirSync(join(ROOT, 'packages')).sort();
  const flags = declarations ? [] : ['--no-dts'];
  return runInOrder(
    folders.map((name) => () => runTool(toolPath('tsup'), flags, { cwd: join(ROOT, 'packages', name) })),
  );
}

await runAsCommand(import.meta.url, async () => {
  await setup();
  process.exitCode = await buildPackages();
});
