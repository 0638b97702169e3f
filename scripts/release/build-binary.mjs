// One prebuilt binary: OpenSSL and the addon by Debian 11's compilers, the debug information beside it, and what is promised of it
// checked before it goes into its package.
import { copyFileSync, existsSync, mkdirSync, rmSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { availableParallelism } from 'node:os';
import { dirname, join } from 'node:path';
import { cacheDirectory } from '../../packages/core-native/scripts/cache-directory.mjs';
import { ensureNodeHeaders } from '../../packages/core-native/scripts/node-headers.mjs';
import { ensureOpensslFor } from '../../packages/core-native/scripts/openssl.mjs';
import { runStep } from '../../packages/core-native/scripts/progress.mjs';
import { requireTools } from '../../packages/core-native/scripts/required-tools.mjs';
import { runLogged } from '../../packages/core-native/scripts/run-logged.mjs';
import { ROOT } from '../root.mjs';
import { assertPortable } from './binary-facts.mjs';
import { writeLicences } from './licences.mjs';
import { ensureOldToolchain } from './old-toolchain.mjs';
import { writeSbom } from './sbom.mjs';
import { PREBUILT_FILES } from './targets.mjs';

const PACKAGE = join(ROOT, 'packages', 'core-native');

/** Preloaded by tests alone, and never shipped. */
const TEST_LIBRARIES = ['sluice_allocations.so'];

/** Where the build of `target` is, and in `debug/` the debug information that was split off. */
export const buildFolder = (target) => join(ROOT, '.cache', 'release', target.arch);

/** Fills the package of `target`. Resolves with `{ file, bytes, debugBytes }` of each shipped file. */
export async function buildBinary(target) {
  requireTools(['cmake', 'make']);
  const toolchain = await ensureOldToolchain(target);
  const openssl = await ensureOpensslFor({
    env: toolchain.env,
    arch: target.arch,
    configureTarget: target.openssl,
  });
  const folder = buildFolder(target);
  await runStep(`the addon for ${target.arch}`, () => compile(target, { folder, toolchain, openssl }));
  const shipped = [];
  for (const file of PREBUILT_FILES) shipped.push(await ship(target, { folder, toolchain, file }));
  for (const file of PREBUILT_FILES) assertPortable(join(target.folder, file), target);
  writeLicences(target.folder, openssl.root);
  writeSbom(target, openssl.version);
  return shipped;
}

async function compile(target, { folder, toolchain, openssl }) {
  const log = join(folder, 'build.log');
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const env = { ...process.env, ...toolchain.env };
  const define = (name, value) => `-D${name}=${value}`;
  // Neither this clone's folder nor the cache's is anybody's business, not even in debug information.
  const hidden = [
    [openssl.root, 'openssl'],
    [cacheDirectory(), 'cache'],
    [ROOT, 'sluice'],
  ];
  await runLogged(
    'cmake',
    [
      ...['-S', PACKAGE, '-B', folder],
      define('CMAKE_BUILD_TYPE', 'Release'),
      define('CMAKE_CXX_COMPILER', toolchain.tool('c++')),
      define('CMAKE_AR', toolchain.tool('ar')),
      define('CMAKE_RANLIB', toolchain.tool('ranlib')),
      define('CMAKE_CXX_FLAGS', hidden.map(([from, to]) => `-ffile-prefix-map=${from}=${to}`).join(' ')),
      define('CMAKE_SYSTEM_NAME', 'Linux'),
      define('CMAKE_SYSTEM_PROCESSOR', target.processor),
      define('SLUICE_STATIC_RUNTIME', 'ON'),
      define('SLUICE_LTO', 'ON'),
      define('SLUICE_OPENSSL_ROOT', openssl.root),
      define('SLUICE_NODE_INCLUDE', await ensureNodeHeaders()),
      define('SLUICE_NODE_ADDON_API', folderOf('node-addon-api')),
      define('SLUICE_NODE_API_HEADERS', join(folderOf('node-api-headers'), 'include')),
    ],
    { log, cwd: PACKAGE, env },
  );
  const targets = [...PREBUILT_FILES, ...TEST_LIBRARIES].flatMap((file) => [
    '--target',
    file.replace(/\.\w+$/, ''),
  ]);
  const jobs = ['--parallel', String(availableParallelism())];
  await runLogged('cmake', ['--build', folder, ...targets, ...jobs], { log, cwd: PACKAGE, env });
}

/** Node-API's headers are dependencies of the package that is built, not of the workspace. */
function folderOf(dependency) {
  return dirname(createRequire(join(PACKAGE, 'package.json')).resolve(`${dependency}/package.json`));
}

/** Copies one file into its package without what only a debugger reads; that goes to `debug/`, and gdb(1) finds it by name. */
async function ship(target, { folder, toolchain, file }) {
  const built = join(folder, 'Release', file);
  const debug = join(folder, 'debug', `${file}.debug`);
  const shipped = join(target.folder, file);
  const log = join(folder, 'strip.log');
  mkdirSync(dirname(debug), { recursive: true });
  if (existsSync(shipped)) rmSync(shipped);
  copyFileSync(built, shipped);
  const objcopy = (...args) => runLogged(toolchain.tool('objcopy'), args, { log, cwd: dirname(debug) });
  await objcopy('--only-keep-debug', built, debug);
  await objcopy('--strip-unneeded', `--add-gnu-debuglink=${debug}`, shipped);
  return { file, bytes: statSync(shipped).size, debugBytes: statSync(debug).size };
}
