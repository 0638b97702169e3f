#!/usr/bin/env node
// Builds build/Release/ with cmake-js when something that goes into it changed: the addon, sluice.node, and beside it the
// library that injects faults for tests, sluice_faults.so.
// Rule: nothing is downloaded but OpenSSL's source; Node-API's headers are a package, uv.h is the running Node's.
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { availableParallelism } from 'node:os';
import { dirname, join } from 'node:path';
import { environmentStamp, sourceStamp } from './build-stamp.mjs';
import { runAsCommand } from './command.mjs';
import { ensureNodeHeaders } from './node-headers.mjs';
import { ensureOpenssl, findOpenssl } from './openssl.mjs';
import { runStep } from './progress.mjs';
import { cxxCompiler, requireTools } from './required-tools.mjs';
import { runLogged } from './run-logged.mjs';
import { SetupError } from './setup-error.mjs';

const PACKAGE = join(import.meta.dirname, '..');
const BUILD = join(PACKAGE, 'build');
const ADDON = join(BUILD, 'Release', 'sluice.node');
const FAULTS = join(BUILD, 'Release', 'sluice_faults.so');
const STAMP = join(BUILD, 'stamp.json');

/** Makes `build/Release/sluice.node` current and returns its path. Callers hold the lock of the clone. */
export async function ensureAddon() {
  if (isAddonCurrent()) return ADDON;
  requireTools(['cmake', 'make', cxxCompiler()]);
  const openssl = await ensureOpenssl();
  const nodeInclude = await ensureNodeHeaders();
  const stamp = currentStamp(openssl);
  // CMake remembers compiler and paths; a configuration made for others cannot be repaired, only made anew.
  if (readStamp()?.environment !== stamp.environment) rmSync(BUILD, { recursive: true, force: true });
  rmSync(STAMP, { force: true });
  mkdirSync(BUILD, { recursive: true });
  await runStep('the addon', () => runCmakeJs(openssl.root, nodeInclude));
  for (const made of [ADDON, FAULTS]) {
    if (!existsSync(made)) throw new SetupError(`the build ended well and left no ${made}`);
  }
  writeFileSync(STAMP, `${JSON.stringify(stamp)}\n`);
  return ADDON;
}

/** True if the addon is there and nothing that it was made from differs. Takes milliseconds. */
export function isAddonCurrent() {
  if (!existsSync(ADDON) || !existsSync(FAULTS)) return false;
  const openssl = findOpenssl();
  if (openssl === undefined) return false;
  const stamp = readStamp();
  const current = currentStamp(openssl);
  return stamp?.environment === current.environment && stamp.sources === current.sources;
}

async function runCmakeJs(opensslRoot, nodeInclude) {
  const cmakeJs = join(
    dirname(createRequire(import.meta.url).resolve('cmake-js/package.json')),
    'bin',
    'cmake-js',
  );
  const log = join(BUILD, 'build.log');
  rmSync(log, { force: true });
  const run = (command, ...options) =>
    runLogged(process.execPath, [cmakeJs, command, '--config', 'Release', ...options], { cwd: PACKAGE, log });
  // Not `compile`: when that fails it starts over from nothing and shows the same error twice.
  await run('configure', `--CDSLUICE_OPENSSL_ROOT=${opensslRoot}`, `--CDSLUICE_NODE_INCLUDE=${nodeInclude}`);
  await run('build', '--parallel', String(availableParallelism()));
}

function currentStamp(openssl) {
  return { environment: environmentStamp(PACKAGE, openssl), sources: sourceStamp(PACKAGE) };
}

function readStamp() {
  return existsSync(STAMP) ? JSON.parse(readFileSync(STAMP, 'utf8')) : undefined;
}

await runAsCommand(import.meta.url, async () => {
  process.stdout.write(`${await ensureAddon()}\n`);
});
