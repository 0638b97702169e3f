// The program that runs programs for arm64 on x64: qemu's user mode.
// Rule: Debian's own, of a release that has openat2(2); apt fetches and verifies it, nothing is installed, nobody has to be root.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { cacheDirectory } from '../../packages/core-native/scripts/cache-directory.mjs';
import {
  requireDebianArchives,
  unpackDeb,
  withPrivateApt,
} from '../../packages/core-native/scripts/private-apt.mjs';
import { note, runStep } from '../../packages/core-native/scripts/progress.mjs';
import { SetupError } from '../../packages/core-native/scripts/setup-error.mjs';

/** Its qemu is statically linked, so that it runs on any other release. */
const SUITE = 'trixie';
const PROGRAM = 'qemu-aarch64';
const INSTALLED_NAMES = [PROGRAM, `${PROGRAM}-static`];
/** From which version on it knows openat2(2), which is how a file is opened below a folder. */
const WANTED = [9, 2];

/** Resolves with its path; fetched once a machine, else whichever is installed. Throws a SetupError where there is none. */
export async function ensureEmulator() {
  const path = join(cacheDirectory(), `emulator-${SUITE}`, PROGRAM);
  if (existsSync(path)) return path;
  try {
    await runStep(`the emulator, from Debian ${SUITE}, 71 MB`, (step) => fetchEmulator(path, step));
    return path;
  } catch (error) {
    return installedEmulator(error.message);
  }
}

/** Whether `--version` of qemu, as `text`, tells of one that is known to lack a system call that Sluice makes. */
export function isTooOld(text) {
  const version = /version (\d+)\.(\d+)/.exec(text);
  if (version === null) return true;
  const [major, minor] = version.slice(1).map(Number);
  return major < WANTED[0] || (major === WANTED[0] && minor < WANTED[1]);
}

async function fetchEmulator(path, step) {
  // The security archive has no suite for every release, and apt would fail over that.
  const archives = { main: requireDebianArchives().main };
  mkdirSync(dirname(dirname(path)), { recursive: true });
  const partial = mkdtempSync(`${dirname(path)}.partial-`);
  try {
    await withPrivateApt({ kind: 'deb', suite: SUITE, archives }, async ({ run, folder }) => {
      step.update('reading package lists');
      await run('apt-get', ['update']);
      step.update('downloading');
      await run('apt-get', ['download', 'qemu-user:amd64']);
      const [file] = readdirSync(folder).filter((name) => name.endsWith('.deb'));
      step.update('unpacking');
      unpackDeb(join(folder, file), partial);
    });
    // One program of sixty; and whoever was as fast as us has put the same one there.
    mkdirSync(dirname(path), { recursive: true });
    renameSync(join(partial, 'usr', 'bin', PROGRAM), path);
  } finally {
    rmSync(partial, { recursive: true, force: true });
  }
}

function installedEmulator(reason) {
  const path = INSTALLED_NAMES.flatMap((name) =>
    (process.env.PATH ?? '').split(delimiter).map((folder) => join(folder, name)),
  ).find(existsSync);
  if (path === undefined) {
    throw new SetupError(
      [
        `the emulator could not be fetched: ${reason}`,
        'One that is installed will do, best of version 9.2 or later:',
        '',
        '    apt-get install -y qemu-user           # Debian 13 or later',
        '    apt-get install -y qemu-user-static    # before that',
      ].join('\n'),
    );
  }
  const { stdout } = spawnSync(path, ['--version'], { encoding: 'utf8' });
  note(`${reason}; using ${path}`);
  if (isTooOld(stdout))
    note(
      `It is older than ${WANTED.join('.')} and has no openat2(2): tests of files below a folder will fail.`,
    );
  return path;
}
