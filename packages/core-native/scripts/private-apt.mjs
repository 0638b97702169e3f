// apt with this machine's Debian archives and keys, and with folders of its own for all that it writes.
// Rule: the system's lists, cache and sources stay as they are; nobody has to be root. What apt verifies stays verified.
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findDebianArchive, findSecurityArchive } from './apt-sources.mjs';
import { isOnPath } from './required-tools.mjs';
import { runLogged } from './run-logged.mjs';
import { SetupError } from './setup-error.mjs';

const APT_TIMEOUT_MS = 120_000;

/** The machine's archives as `{ main, security }`. Throws with the reason where there is no apt or no Debian. */
export function requireDebianArchives() {
  if (!isOnPath('apt-get')) throw new Error('this machine has no apt-get');
  const main = findDebianArchive();
  if (main === undefined) throw new Error("this machine's apt sources name no Debian archive");
  return { main, security: findSecurityArchive() };
}

/**
 * Calls `action({ run, folder })`, where `run(program, args)` resolves with the lines that a command of apt's prints, in
 * `folder`, which is gone afterwards. `suite` is the archives' suite, `kind` `deb` or `deb-src`.
 */
export async function withPrivateApt({ kind, suite, archives: { main, security } }, action) {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-apt-'));
  try {
    const options = prepare(folder, archiveLines(kind, main, security, suite, folder));
    const run = async (program, args) => {
      const output = [];
      const onLine = (line) => output.push(line);
      const settings = { log: join(folder, 'apt.log'), cwd: folder, timeoutMs: APT_TIMEOUT_MS, onLine };
      await runLogged(program, [...options, ...args], settings);
      return output;
    };
    return await action({ run, folder });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Unpacks the package in `file` below `folder`, without installing anything. */
export function unpackDeb(file, folder) {
  const { status, stderr, error } = spawnSync('dpkg-deb', ['-x', file, folder], { encoding: 'utf8' });
  if (status !== 0) throw new SetupError(`dpkg-deb could not unpack ${file}: ${error?.message ?? stderr}`);
}

/** The lines of a sources.list: the suite and, where the machine has the security archive, what that has for it. */
export function archiveLines(kind, main, security, suite, folder) {
  const line = (archive, name) => archiveLine(kind, archive, name, folder);
  return line(main, suite) + (security === undefined ? '' : line(security, `${suite}-security`));
}

/** One line. A key that is written into the sources themselves goes to a file of its own. */
export function archiveLine(kind, { uri, signedBy }, suite, folder) {
  if (signedBy === undefined) return `${kind} ${uri} ${suite} main\n`;
  let keyring = signedBy.trim();
  if (keyring.includes('BEGIN PGP')) {
    keyring = join(folder, 'archive-key.asc');
    writeFileSync(keyring, `${signedBy.trim()}\n`);
  }
  return `${kind} [signed-by=${keyring.replace(/\s+/g, ',')}] ${uri} ${suite} main\n`;
}

function prepare(folder, lines) {
  mkdirSync(join(folder, 'lists', 'partial'), { recursive: true });
  mkdirSync(join(folder, 'cache', 'archives', 'partial'), { recursive: true });
  writeFileSync(join(folder, 'sources.list'), lines);
  return [
    ['Dir::Etc::sourcelist', join(folder, 'sources.list')],
    ['Dir::Etc::sourceparts', '/dev/null'],
    ['Dir::State::Lists', join(folder, 'lists')],
    ['Dir::Cache', join(folder, 'cache')],
    ['Acquire::Languages', 'none'],
    ['Acquire::Retries', '1'],
    ['Acquire::http::Timeout', '20'],
    ['Acquire::https::Timeout', '20'],
    // As root apt drops to a user that may not enter our folder, and warns about it.
    ['APT::Sandbox::User', 'root'],
  ].flatMap(([name, value]) => ['-o', `${name}=${value}`]);
}
