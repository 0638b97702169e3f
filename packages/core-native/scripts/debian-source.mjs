// Upstream's tarball out of Debian's source package.
// Rule: the archive decides where a file lies, never what is in it: the caller compares the pinned hash.
import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { requireDebianArchives, withPrivateApt } from './private-apt.mjs';

/** Copies `release`'s upstream tarball to `target`. Throws with the reason where there is no apt or no Debian. */
export async function fetchDebianSource(release, target, step) {
  const settings = { kind: 'deb-src', suite: release.debianSuite, archives: requireDebianArchives() };
  await withPrivateApt(settings, async ({ run, folder }) => {
    step.update('reading package lists');
    await run('apt-get', ['update']);
    const sources = parseSources(await run('apt-cache', ['showsrc', '--only-source', 'openssl']));
    const version = versionWith(release, sources);
    step.update('downloading');
    await run('apt-get', ['source', '--download-only', `openssl=${version}`]);
    copyFileSync(join(folder, `openssl_${release.version}.orig.tar.gz`), target);
  });
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
