#!/usr/bin/env node
// Builds build/Release/ with cmake-js when something that goes into it changed: the addon, sluice.node, and beside it what
// tests preload: sluice_faults.so that injects faults, sluice_allocations.so that weighs what is held, and sluice_counts.so
// that counts calls; for the benchmark another addon, optimized as releases are, to build-optimized/; and for tests one with
// sanitizers, to build-sanitized/.
// Rule: nothing is downloaded but OpenSSL's source, and in an installed package what build-dependency.mjs names; uv.h is the
// running Node's.
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { buildDependency } from './build-dependency.mjs';
import { environmentStamp, sourceStamp } from './build-stamp.mjs';
import { runAsCommand } from './command.mjs';
import { ensureNodeHeaders } from './node-headers.mjs';
import { ensureOpenssl, findOpenssl, isOptimizedTogether } from './openssl.mjs';
import { runStep } from './progress.mjs';
import { cxxCompiler, requireTools } from './required-tools.mjs';
import { runLogged } from './run-logged.mjs';
import { SANITIZERS } from './sanitizer-library.mjs';
import { SetupError } from './setup-error.mjs';

const PACKAGE = join(import.meta.dirname, '..');
const FAULTS = 'sluice_faults.so';
const ALLOCATIONS = 'sluice_allocations.so';
const COUNTS = 'sluice_counts.so';

/** The addon, and the libraries that are preloaded to try it. */
const RELEASE = {
  title: 'the addon',
  folder: join(PACKAGE, 'build'),
  options: [],
  target: 'all',
  libraries: [FAULTS, ALLOCATIONS, COUNTS],
};
/** As releases are: optimized across files, which takes the linker a minute or more that a day's work does not want to wait for. */
const OPTIMIZED = {
  title: 'the addon, optimized as releases are',
  folder: join(PACKAGE, 'build-optimized'),
  // Asked when it is wanted: it takes a compiler.
  get options() {
    return [`--CDSLUICE_LTO=${isOptimizedTogether() ? 'ON' : 'OFF'}`];
  },
  target: 'sluice',
  libraries: [],
};
/** The one that sees its own mistakes; it loads only into a process that has libasan (docs/sanitizers.md). */
const SANITIZED = {
  title: 'the addon with sanitizers',
  folder: join(PACKAGE, 'build-sanitized'),
  options: [`--CDSLUICE_SANITIZE=${SANITIZERS}`],
  target: 'sluice',
  libraries: [],
};

/** Makes `build/Release/sluice.node` current and returns its path. Callers hold the lock of the clone. */
export const ensureAddon = () => ensureBuild(RELEASE);

/** The same for the addon that is measured. */
export const ensureOptimizedAddon = () => ensureBuild(OPTIMIZED);

/** The same for the addon with sanitizers. */
export const ensureSanitizedAddon = () => ensureBuild(SANITIZED);

/** True if the addon is there and nothing that it was made from differs. Takes milliseconds. */
export const isAddonCurrent = () => isCurrent(RELEASE);

async function ensureBuild(build) {
  if (isCurrent(build)) return addonOf(build);
  requireTools(['cmake', 'make', cxxCompiler()]);
  const openssl = await ensureOpenssl();
  const nodeInclude = await ensureNodeHeaders();
  const stamp = currentStamp(build, openssl);
  // CMake remembers compiler and paths; a configuration made for others cannot be repaired, only made anew.
  if (readStamp(build)?.environment !== stamp.environment)
    rmSync(build.folder, { recursive: true, force: true });
  rmSync(stampOf(build), { force: true });
  mkdirSync(build.folder, { recursive: true });
  await runStep(build.title, () => runCmakeJs(build, openssl.root, nodeInclude));
  for (const made of madeBy(build)) {
    if (!existsSync(made)) throw new SetupError(`the build ended well and left no ${made}`);
  }
  writeFileSync(stampOf(build), `${JSON.stringify(stamp)}\n`);
  return addonOf(build);
}

function isCurrent(build) {
  if (!madeBy(build).every((made) => existsSync(made))) return false;
  const openssl = findOpenssl();
  if (openssl === undefined) return false;
  const stamp = readStamp(build);
  const current = currentStamp(build, openssl);
  return stamp?.environment === current.environment && stamp.sources === current.sources;
}

async function runCmakeJs({ folder, options, target }, opensslRoot, nodeInclude) {
  const cmakeJs = join(await buildDependency('cmake-js'), 'bin', 'cmake-js');
  const log = join(folder, 'build.log');
  rmSync(log, { force: true });
  const run = (command, ...more) =>
    runLogged(process.execPath, [cmakeJs, command, '--config', 'Release', '--out', folder, ...more], {
      cwd: PACKAGE,
      log,
    });
  // Not `compile`: when that fails it starts over from nothing and shows the same error twice.
  await run(
    'configure',
    `--CDSLUICE_OPENSSL_ROOT=${opensslRoot}`,
    `--CDSLUICE_NODE_INCLUDE=${nodeInclude}`,
    `--CDSLUICE_NODE_ADDON_API=${await buildDependency('node-addon-api')}`,
    `--CDSLUICE_NODE_API_HEADERS=${join(await buildDependency('node-api-headers'), 'include')}`,
    ...options,
  );
  await run('build', '--target', target, '--parallel', String(availableParallelism()));
}

const addonOf = ({ folder }) => join(folder, 'Release', 'sluice.node');
const madeBy = (build) => [
  addonOf(build),
  ...build.libraries.map((library) => join(build.folder, 'Release', library)),
];
const stampOf = ({ folder }) => join(folder, 'stamp.json');

function currentStamp({ options }, openssl) {
  return { environment: environmentStamp(PACKAGE, openssl, options), sources: sourceStamp(PACKAGE) };
}

function readStamp(build) {
  return existsSync(stampOf(build)) ? JSON.parse(readFileSync(stampOf(build), 'utf8')) : undefined;
}

await runAsCommand(import.meta.url, async () => {
  process.stdout.write(`${await ensureAddon()}\n`);
});
