// Upstream's tarball out of Debian's source package, without touching the machine's apt configuration.
// Rule: every folder apt writes to is ours; the system's lists, cache and sources stay as they are.
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findDebianArchive } from './apt-sources.mjs';
import { isOnPath } from './required-tools.mjs';
import { runLogged } from './run-logged.mjs';

const APT_TIMEOUT_MS = 120_000;

/** Copies `release`'s upstream tarball to `target`. Throws with the reason where there is no apt or no Debian. */
export async function fetchDebianSource(release, target, step) {
  if (!isOnPath('apt-get')) throw new Error('this machine has no apt-get');
  const archive = findDebianArchive();
  if (archive === undefined) throw new Error("this machine's apt sources name no Debian archive");
  const folder = mkdtempSync(join(tmpdir(), 'sluice-apt-'));
  try {
    const options = prepareApt(folder, archive, release.debianSuite);
    const run = (args) =>
      runLogged('apt-get', [...options, ...args], {
        log: join(folder, 'apt.log'),
        cwd: folder,
        timeoutMs: APT_TIMEOUT_MS,
      });
    step.update('reading package lists');
    await run(['update']);
    step.update('downloading');
    await run(['source', '--download-only', 'openssl']);
    const tarball = readdirSync(folder).find((name) => name === `openssl_${release.version}.orig.tar.gz`);
    if (tarball === undefined)
      throw new Error(`${release.debianSuite} carries another version than ${release.version}`);
    copyFileSync(join(folder, tarball), target);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function prepareApt(folder, archive, suite) {
  mkdirSync(join(folder, 'lists', 'partial'), { recursive: true });
  mkdirSync(join(folder, 'cache', 'archives', 'partial'), { recursive: true });
  writeFileSync(join(folder, 'sources.list'), sourceLine(archive, suite, folder));
  return [
    ['Dir::Etc::sourcelist', join(folder, 'sources.list')],
    ['Dir::Etc::sourceparts', '/dev/null'],
    ['Dir::State::Lists', join(folder, 'lists')],
    ['Dir::Cache', join(folder, 'cache')],
    ['Acquire::Retries', '1'],
    ['Acquire::http::Timeout', '20'],
    ['Acquire::https::Timeout', '20'],
    // As root apt drops to a user that may not enter our folder, and warns about it.
    ['APT::Sandbox::User', 'root'],
  ].flatMap(([name, value]) => ['-o', `${name}=${value}`]);
}

/** The one `deb-src` line. A key that is written into the sources themselves goes to a file of its own. */
export function sourceLine({ uri, signedBy }, suite, folder) {
  if (signedBy === undefined) return `deb-src ${uri} ${suite} main\n`;
  let keyring = signedBy.trim();
  if (keyring.includes('BEGIN PGP')) {
    keyring = join(folder, 'archive-key.asc');
    writeFileSync(keyring, `${signedBy.trim()}\n`);
  }
  return `deb-src [signed-by=${keyring.replace(/\s+/g, ',')}] ${uri} ${suite} main\n`;
}
