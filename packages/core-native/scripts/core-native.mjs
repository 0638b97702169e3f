#!/usr/bin/env node
// `npx @sluice/core-native build`: builds the addon of an installed package on this machine, where no prebuilt one will do.
// Rule: only ever started by a person; installing the package runs nothing.
import { join } from 'node:path';
import { ensureAddon } from './build.mjs';
import { cacheDirectory } from './cache-directory.mjs';
import { runAsCommand } from './command.mjs';
import { withFileLock } from './file-lock.mjs';
import { findOpenssl } from './openssl.mjs';
import { note } from './progress.mjs';
import { cCompiler, cxxCompiler, requirePerlModules, requireTools } from './required-tools.mjs';
import { SetupError } from './setup-error.mjs';

const USAGE = [
  'usage: core-native build',
  '',
  'Compiles OpenSSL (into the cache: $SLUICE_CACHE_DIR, else $XDG_CACHE_HOME/sluice, else ~/.cache/sluice) and the addon, into',
  'this package, where it is preferred to the prebuilt one. Installing another version removes it.',
  '',
  '  OPENSSL_ROOT_DIR=/path/to/prefix   links a static OpenSSL of your own, 3.0 or later, instead',
].join('\n');

await runAsCommand(import.meta.url, async (args) => {
  if (args.length !== 1 || args[0] !== 'build') throw new SetupError(USAGE);
  // All at once and before the first long step.
  const forOpenssl = findOpenssl() === undefined ? ['perl', 'tar', cCompiler()] : [];
  requireTools(['npm', 'cmake', 'make', cxxCompiler(), ...forOpenssl]);
  if (forOpenssl.length > 0) requirePerlModules();
  const waiting = (holder) => note(`waiting for another build (${holder})`);
  await withFileLock(
    join(cacheDirectory(), 'addon.lock'),
    async () => process.stdout.write(`${await ensureAddon()}\n`),
    waiting,
  );
});
