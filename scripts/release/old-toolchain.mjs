// The compilers and the C library of Debian 11, for x64 and for arm64: what is built with them loads on every later system.
// Rule: apt fetches and verifies them, from the archives of this machine; nothing is installed, nobody has to be root.
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readlinkSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { delimiter, dirname, join, relative } from 'node:path';
import { cacheDirectory } from '../../packages/core-native/scripts/cache-directory.mjs';
import { withFileLock } from '../../packages/core-native/scripts/file-lock.mjs';
import {
  requireDebianArchives,
  unpackDeb,
  withPrivateApt,
} from '../../packages/core-native/scripts/private-apt.mjs';
import { note, runStep } from '../../packages/core-native/scripts/progress.mjs';
import { SetupError } from '../../packages/core-native/scripts/setup-error.mjs';

const SUITE = 'bullseye';
const PACKAGES = ['g++-10', 'libc6-dev', 'g++-10-aarch64-linux-gnu'];
/** A folder of the cache that was prepared in another way has another number. */
const LAYOUT = 1;

/** What the compilers themselves are linked with. Not the C library: they run on this machine's. */
const TOOL_LIBRARIES = /^lib(bfd|cc1|ctf|gmp|isl|mpc|mpfr|opcodes|z|zstd)[-.]/;
const LIBRARIES = ['lib/x86_64-linux-gnu', 'usr/lib/x86_64-linux-gnu'];

const TOOLS = {
  cc: 'gcc-10',
  'c++': 'g++-10',
  ...Object.fromEntries(['ar', 'ranlib', 'nm', 'objcopy', 'readelf', 'strip'].map((name) => [name, name])),
};

/**
 * Resolves with `{ env, tool, libraries }`: `env` finds `cc`, `c++`, `ar` and the others by name, `tool(name)` is the path of
 * one, `libraries` where an emulator finds the C and C++ libraries of the target (arm64 only). Fetched once a machine.
 */
export async function ensureOldToolchain({ arch, triplet }) {
  const root = await ensureRoot();
  const bin = join(root, 'wrappers', arch);
  return {
    tool: (name) => join(bin, name),
    env: { CC: 'cc', CXX: 'c++', AR: 'ar', RANLIB: 'ranlib', PATH: `${bin}${delimiter}${process.env.PATH}` },
    libraries: join(root, 'usr', triplet),
  };
}

async function ensureRoot() {
  if (process.arch !== 'x64') {
    throw new SetupError(`release binaries are built on x64, for both processors; this is ${process.arch}`);
  }
  const root = join(cacheDirectory(), `toolchain-${SUITE}-${LAYOUT}`);
  if (existsSync(root)) return root;
  const waiting = (holder) => note(`waiting for another set-up of Debian 11's compilers (${holder})`);
  await withFileLock(
    `${root}.lock`,
    async () => {
      // Whoever held the lock before us may have fetched them.
      if (!existsSync(root)) await fetchRoot(root);
    },
    waiting,
  );
  return root;
}

async function fetchRoot(root) {
  const partial = mkdtempSync(`${root}.partial-`);
  try {
    await runStep('the compilers of Debian 11, 230 MB of packages', (step) =>
      withPrivateApt({ kind: 'deb', suite: SUITE, archives: mainArchive() }, async ({ run, folder }) => {
        step.update('reading package lists');
        const foreign = foreignSystem(folder);
        await run('apt-get', [...foreign, 'update']);
        step.update('downloading');
        await run('apt-get', [
          ...foreign,
          'install',
          '--yes',
          '--download-only',
          '--no-install-recommends',
          ...PACKAGES,
        ]);
        step.update('unpacking');
        const debs = join(folder, 'cache', 'archives');
        for (const name of readdirSync(debs).filter((name) => name.endsWith('.deb'))) {
          unpackDeb(join(debs, name), partial);
        }
      }),
    );
    prepareRoot(partial);
    renameSync(partial, root);
  } finally {
    rmSync(partial, { recursive: true, force: true });
  }
}

/** An old release leaves the security archive before it leaves the main one, and a compiler needs none of it. */
function mainArchive() {
  try {
    return { main: requireDebianArchives().main };
  } catch (error) {
    throw new SetupError(`its compilers are packages of Debian 11, and ${error.message}`);
  }
}

/** As if nothing were installed yet: apt then fetches all that the compilers need, of their own release. */
function foreignSystem(folder) {
  const status = join(folder, 'status');
  writeFileSync(status, '');
  return [
    '-o',
    `Dir::State::status=${status}`,
    '-o',
    'APT::Architecture=amd64',
    '-o',
    'APT::Architectures=amd64',
  ];
}

function prepareRoot(root) {
  rmSync(join(root, 'usr', 'share'), { recursive: true, force: true });
  makeLinksRelative(root);
  const own = join(root, 'tool-libraries');
  mkdirSync(own);
  for (const folder of LIBRARIES) {
    for (const name of readdirSync(join(root, folder)).filter((each) => TOOL_LIBRARIES.test(each))) {
      symlinkSync(join('..', folder, name), join(own, name));
    }
  }
  for (const [arch, triplet] of [
    ['x64', 'x86_64-linux-gnu'],
    ['arm64', 'aarch64-linux-gnu'],
  ]) {
    mkdirSync(join(root, 'wrappers', arch), { recursive: true });
    for (const [name, program] of Object.entries(TOOLS)) {
      writeWrapper(join(root, 'wrappers', arch, name), `${triplet}-${program}`, {
        arch,
        isCompiler: name.startsWith('c'),
      });
    }
  }
}

/** By where it lies itself: the folder is moved once it is complete. */
function writeWrapper(path, program, { arch, isCompiler }) {
  // The native compiler would find the machine's own assembler and linker first.
  const ownTools = arch === 'x64' ? '-B"$root/usr/bin/" ' : '';
  const options = isCompiler ? `${ownTools}--sysroot="$root" ` : '';
  const lines = [
    '#!/bin/sh',
    'root=$(cd "$(dirname "$0")/../.." && pwd)',
    `LD_LIBRARY_PATH="$root/tool-libraries" exec "$root/usr/bin/${program}" ${options}"$@"`,
  ];
  writeFileSync(path, `${lines.join('\n')}\n`);
  chmodSync(path, 0o755);
}

/** Links such as /lib64/ld-linux-x86-64.so.2 name their target from the root of a system that this is not. */
function makeLinksRelative(root) {
  for (const folder of ['lib64', ...LIBRARIES, 'usr/aarch64-linux-gnu/lib']) {
    for (const name of readdirSync(join(root, folder))) {
      const path = join(root, folder, name);
      const target = linkTarget(path);
      if (!target?.startsWith('/')) continue;
      rmSync(path);
      symlinkSync(relative(dirname(path), join(root, target)), path);
    }
  }
}

function linkTarget(path) {
  try {
    return readlinkSync(path);
  } catch (error) {
    // EINVAL: no symbolic link.
    if (error.code === 'EINVAL') return undefined;
    throw error;
  }
}
