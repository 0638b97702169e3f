#!/usr/bin/env node
// Everything between a bare clone and a program that runs: dependencies, OpenSSL, the addon.
// Rule: plain Node built-ins only, for this runs before anything is installed; progress goes to standard error.
import { join } from 'node:path';
import { ensureAddon, isAddonCurrent } from '../packages/core-native/scripts/build.mjs';
import { runAsCommand } from '../packages/core-native/scripts/command.mjs';
import { withFileLock } from '../packages/core-native/scripts/file-lock.mjs';
import { note } from '../packages/core-native/scripts/progress.mjs';
import { cCompiler, cxxCompiler, requireTools } from '../packages/core-native/scripts/required-tools.mjs';
import { areDependenciesCurrent, installDependencies } from './dependencies.mjs';
import { requirePlatform } from './platform.mjs';
import { ROOT } from './root.mjs';

/** Brings the clone up to date; takes well under a second when nothing changed. */
export async function setup() {
  requirePlatform();
  if (areDependenciesCurrent() && isAddonCurrent()) return;
  // All of them before the first long step: nobody wants to learn about CMake after a minute of OpenSSL.
  if (!isAddonCurrent()) requireTools(['npm', 'cmake', cCompiler(), cxxCompiler()]);
  const waiting = (holder) => note(`waiting for another set-up of this clone (${holder})`);
  await withFileLock(
    join(ROOT, '.cache', 'setup.lock'),
    async () => {
      await installDependencies();
      await ensureAddon();
    },
    waiting,
  );
}

await runAsCommand(import.meta.url, setup);
