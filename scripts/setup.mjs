#!/usr/bin/env node
// Everything between a bare clone and a program that runs: dependencies, OpenSSL, the addon.
// Rule: plain Node built-ins only, for this runs before anything is installed; progress goes to standard error.
import { join } from 'node:path';
import { ensureAddon, isAddonCurrent } from '../packages/core-native/scripts/build.mjs';
import { runAsCommand } from '../packages/core-native/scripts/command.mjs';
import { withFileLock } from '../packages/core-native/scripts/file-lock.mjs';
import { findOpenssl } from '../packages/core-native/scripts/openssl.mjs';
import { note } from '../packages/core-native/scripts/progress.mjs';
import {
  cCompiler,
  cxxCompiler,
  requirePerlModules,
  requireTools,
} from '../packages/core-native/scripts/required-tools.mjs';
import { areDependenciesCurrent, installDependencies } from './dependencies.mjs';
import { requirePlatform } from './platform.mjs';
import { ROOT } from './root.mjs';

/** Brings the clone up to date; takes well under a second when nothing changed. */
export async function setup() {
  requirePlatform();
  if (areDependenciesCurrent() && isAddonCurrent()) return;
  requireBuildTools();
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

/** All at once and before the first long step: nobody wants to learn about CMake after a minute of OpenSSL. */
function requireBuildTools() {
  const forAddon = isAddonCurrent() ? [] : ['cmake', 'make', cxxCompiler()];
  const forOpenssl = findOpenssl() === undefined ? ['perl', 'tar', cCompiler()] : [];
  requireTools(['npm', ...forAddon, ...forOpenssl]);
  if (forOpenssl.length > 0) requirePerlModules();
}

await runAsCommand(import.meta.url, setup);
