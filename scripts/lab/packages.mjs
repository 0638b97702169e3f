// What the lab is made of: Debian's user-mode Linux with its modules, and a static busybox to start it with; for a release
// other than the machine's, the C library of that.
// Rule: apt fetches and verifies them, from the archives of this machine; nothing is installed, nobody has to be root.
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { cacheDirectory } from '../../packages/core-native/scripts/cache-directory.mjs';
import { withFileLock } from '../../packages/core-native/scripts/file-lock.mjs';
import {
  requireDebianArchives,
  unpackDeb,
  withPrivateApt,
} from '../../packages/core-native/scripts/private-apt.mjs';
import { note, runStep } from '../../packages/core-native/scripts/progress.mjs';
import { SetupError } from '../../packages/core-native/scripts/setup-error.mjs';

const NAMES = ['user-mode-linux', 'busybox-static'];

const LIBRARIES = 'usr/lib/x86_64-linux-gnu';
const LOADER = '/lib64/ld-linux-x86-64.so.2';
/** Of the same loader, from the folder of the packages: no longer than LOADER, in whose place it is written. */
const OWN_LOADER = 'lib/ld.so';

/**
 * Resolves with `{ folder, kernel, modules, release, busybox, libraries }`, all paths but the release; fetches the packages
 * once a machine and release of Debian, `suite`, or the machine's own. `libraries` is there for another release than that:
 * the folder of the C library which its kernel is linked with. Throws a SetupError where they cannot be had.
 */
export async function ensureLabPackages(suite) {
  const archives = archivesOrRefusal();
  const own = archives.main.suite;
  if (suite === undefined || suite === own) return ensureFetched({ archives, suite: own, isForeign: false });
  // The security archive has no suite for every release, sid for one, and apt would fail over that.
  return ensureFetched({ archives: { main: archives.main }, suite, isForeign: true });
}

async function ensureFetched(wanted) {
  const folder = join(cacheDirectory(), `lab-${wanted.suite}${wanted.isForeign ? '-with-libc' : ''}`);
  if (!existsSync(folder)) {
    const waiting = (holder) => note(`waiting for another set-up of the lab (${holder})`);
    await withFileLock(
      `${folder}.lock`,
      async () => {
        // Whoever held the lock before us may have fetched them.
        if (!existsSync(folder)) await fetchPackages(wanted, folder);
      },
      waiting,
    );
  }
  return findParts(folder);
}

function archivesOrRefusal() {
  if (process.arch !== 'x64') {
    throw new SetupError(`user-mode Linux exists for x64 only, and this is ${process.arch}`);
  }
  try {
    return requireDebianArchives();
  } catch (error) {
    throw new SetupError(`its kernel is a package of Debian's, and ${error.message}`);
  }
}

async function fetchPackages({ archives, suite, isForeign }, target) {
  mkdirSync(dirname(target), { recursive: true });
  const partial = mkdtempSync(`${target}.partial-`);
  try {
    await runStep(`the lab's kernel, from Debian ${suite}`, (step) =>
      withPrivateApt({ kind: 'deb', suite, archives }, async ({ run, folder }) => {
        step.update('reading package lists');
        await run('apt-get', ['update']);
        step.update('downloading');
        const names = isForeign ? [...NAMES, 'libc6'] : NAMES;
        await run('apt-get', ['download', ...names.map((name) => `${name}:amd64`)]);
        for (const file of readdirSync(folder).filter((name) => name.endsWith('.deb'))) {
          unpackDeb(join(folder, file), partial);
        }
      }),
    );
    rmSync(join(partial, 'usr', 'share'), { recursive: true, force: true });
    const { kernel } = findParts(partial);
    if (isForeign) useOwnLoader(kernel);
    renameSync(partial, target);
  } finally {
    rmSync(partial, { recursive: true, force: true });
  }
}

/**
 * Has `kernel` start by the loader that was unpacked with it. Started by hand the loader would be the program, and user-mode
 * Linux takes what is between itself and the heap of the program for memory.
 */
function useOwnLoader(kernel) {
  const bytes = readFileSync(kernel);
  const at = bytes.indexOf(`${LOADER}\0`);
  if (at === -1) throw new SetupError(`${kernel} is not started by ${LOADER}`);
  bytes.fill(0, at, at + LOADER.length);
  bytes.write(OWN_LOADER, at);
  writeFileSync(kernel, bytes);
  const folder = dirname(dirname(dirname(kernel)));
  mkdirSync(join(folder, dirname(OWN_LOADER)), { recursive: true });
  symlinkSync(join('..', LIBRARIES, basename(LOADER)), join(folder, OWN_LOADER));
}

function findParts(folder) {
  const parent = join(folder, 'usr', 'lib', 'uml', 'modules');
  const [release] = existsSync(parent) ? readdirSync(parent) : [];
  const kernel = join(folder, 'usr', 'bin', 'linux.uml');
  // Since Debian 13 packages have nothing in /bin.
  const busybox = ['bin', 'usr/bin'].map((bin) => join(folder, bin, 'busybox')).find(existsSync);
  if (release === undefined || busybox === undefined || !existsSync(kernel)) {
    throw new SetupError(`${folder} is not what ${NAMES.join(' and ')} hold. Remove it and try again.`);
  }
  const libraries = join(folder, LIBRARIES);
  return {
    ...{ folder, kernel, modules: join(parent, release), release, busybox },
    libraries: existsSync(libraries) ? libraries : undefined,
  };
}
