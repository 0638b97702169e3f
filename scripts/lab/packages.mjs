// What the lab is made of: Debian's user-mode Linux with its modules, and a static busybox to start it with.
// Rule: apt fetches and verifies them, from the archives of this machine; nothing is installed, nobody has to be root.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { cacheDirectory } from '../../packages/core-native/scripts/cache-directory.mjs';
import { withFileLock } from '../../packages/core-native/scripts/file-lock.mjs';
import { requireDebianArchives, withPrivateApt } from '../../packages/core-native/scripts/private-apt.mjs';
import { note, runStep } from '../../packages/core-native/scripts/progress.mjs';
import { SetupError } from '../../packages/core-native/scripts/setup-error.mjs';

const NAMES = ['user-mode-linux', 'busybox-static'];

/**
 * Resolves with `{ folder, kernel, modules, release, busybox }`, all paths but the release; fetches the packages once a
 * machine and release of Debian. Throws a SetupError where they cannot be had.
 */
export async function ensureLabPackages() {
  const archives = archivesOrRefusal();
  const { suite } = archives.main;
  const folder = join(cacheDirectory(), `lab-${suite}`);
  if (!existsSync(folder)) {
    const waiting = (holder) => note(`waiting for another set-up of the lab (${holder})`);
    await withFileLock(
      `${folder}.lock`,
      async () => {
        // Whoever held the lock before us may have fetched them.
        if (!existsSync(folder)) await fetchPackages({ archives, suite }, folder);
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

async function fetchPackages({ archives, suite }, target) {
  mkdirSync(dirname(target), { recursive: true });
  const partial = mkdtempSync(`${target}.partial-`);
  try {
    await runStep(`the lab's kernel, from Debian ${suite}`, (step) =>
      withPrivateApt({ kind: 'deb', suite, archives }, async ({ run, folder }) => {
        step.update('reading package lists');
        await run('apt-get', ['update']);
        step.update('downloading');
        await run('apt-get', ['download', ...NAMES.map((name) => `${name}:amd64`)]);
        for (const file of readdirSync(folder).filter((name) => name.endsWith('.deb'))) {
          unpack(join(folder, file), partial);
        }
      }),
    );
    rmSync(join(partial, 'usr', 'share'), { recursive: true, force: true });
    findParts(partial);
    renameSync(partial, target);
  } finally {
    rmSync(partial, { recursive: true, force: true });
  }
}

function unpack(file, folder) {
  const { status, stderr, error } = spawnSync('dpkg-deb', ['-x', file, folder], { encoding: 'utf8' });
  if (status !== 0) throw new SetupError(`dpkg-deb could not unpack ${file}: ${error?.message ?? stderr}`);
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
  return { folder, kernel, modules: join(parent, release), release, busybox };
}
