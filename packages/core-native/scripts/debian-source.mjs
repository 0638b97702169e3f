// Upstream's tarball out of Debian's source package, without touching the machine's apt configuration.
// Rule: every folder apt writes to is ours; the system's lists, cache and sources stay as they are.
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findDebianArchive, findSecurityArchive } from './apt-sources.mjs';
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
    const options = prepareApt(
      folder,
      sourceLines(archive, findSecurityArchive(), release.debianSuite, folder),
    );
    const run = (program, args) => {
      const output = [];
      const onLine = (line) => output.push(line);
      const settings = { log: join(folder, 'apt.log'), cwd: folder, timeoutMs: APT_TIMEOUT_MS, onLine };
      return runLogged(program, [...options, ...args], settings).then(() => output);
    };
    step.update('reading package lists');
    await run('apt-get', ['update']);
    const sources = parseSources(await run('apt-cache', ['showsrc', '--only-source', 'openssl']));
    const version = versionWith(release, sources);
    step.update('downloading');
    await run('apt-get', ['source', '--download-only', `openssl=${version}`]);
    copyFileSync(join(folder, `openssl_${release.version}.orig.tar.gz`), target);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The source packages that `apt-cache showsrc` tells of, each as `{ version, sha256 }`: the hashes of its files. */
export function parseSources(lines) {
  const sources = [];
  let field = '';
  for (const line of lines) {
    const [, name, value] = /^([A-Za-z0-9-]+):\s*(.*)$/.exec(line) ?? [];
    if (name !== undefined) field = name;
    if (name === 'Version') sources.push({ version: value.trim(), sha256: [] });
    if (name === undefined && field === 'Checksums-Sha256') {
      sources.at(-1)?.sha256.push(line.trim().split(/\s+/)[0]);
    }
  }
  return sources;
}

/**
 * The version of the package that holds the pinned tarball. An archive lists several side by side while an update
 * is on its way, and the newest is neither the one that is pinned nor always there to be had.
 */
export function versionWith(release, sources) {
  const found = sources.find(({ sha256 }) => sha256.includes(release.sha256));
  if (found !== undefined) return found.version;
  const others = [...new Set(sources.map(({ version }) => version))].join(', ') || 'no version';
  throw new Error(`${release.debianSuite} no longer carries OpenSSL ${release.version} (it has ${others})`);
}

function prepareApt(folder, lines) {
  mkdirSync(join(folder, 'lists', 'partial'), { recursive: true });
  mkdirSync(join(folder, 'cache', 'archives', 'partial'), { recursive: true });
  writeFileSync(join(folder, 'sources.list'), lines);
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

/** The `deb-src` lines: the suite and, where the machine has the security archive, what that has for it. */
export function sourceLines(main, security, suite, folder) {
  const line = (archive, name) => sourceLine(archive, name, folder);
  return line(main, suite) + (security === undefined ? '' : line(security, `${suite}-security`));
}

/** One `deb-src` line. A key that is written into the sources themselves goes to a file of its own. */
export function sourceLine({ uri, signedBy }, suite, folder) {
  if (signedBy === undefined) return `deb-src ${uri} ${suite} main\n`;
  let keyring = signedBy.trim();
  if (keyring.includes('BEGIN PGP')) {
    keyring = join(folder, 'archive-key.asc');
    writeFileSync(keyring, `${signedBy.trim()}\n`);
  }
  return `deb-src [signed-by=${keyring.replace(/\s+/g, ',')}] ${uri} ${suite} main\n`;
}
