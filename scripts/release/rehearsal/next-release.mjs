// A copy of the tree that is versioned and published as a release would be.
// Rule: `changeset` itself does both, by the commands that CONTRIBUTING.md has.
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { pinnedPnpm } from '../../dependencies.mjs';
import { ROOT } from '../../root.mjs';
import { output } from './output.mjs';
import { pnpm } from './package-managers.mjs';

/** Who commits in the copy, whatever this machine's own configuration says. */
const COMMITTER = [
  '-c',
  'user.name=rehearsal',
  '-c',
  'user.email=rehearsal@localhost',
  '-c',
  'commit.gpgSign=false',
];

/** Fills the folder `copy` with the tree, dist/, its dependencies and, `withBinaries`, those of the release. */
export function copyTree(copy, { withBinaries }) {
  const listing = ['ls-files', '-z', '--cached', '--others', '--exclude-standard'];
  for (const file of output('git', listing, { cwd: ROOT }).split('\0').filter(Boolean)) {
    if (!existsSync(join(ROOT, file))) continue;
    mkdirSync(dirname(join(copy, file)), { recursive: true });
    cpSync(join(ROOT, file), join(copy, file));
  }
  for (const name of readdirSync(join(ROOT, 'packages'))) {
    cpSync(join(ROOT, 'packages', name, 'dist'), join(copy, 'packages', name, 'dist'), { recursive: true });
  }
  if (withBinaries) {
    cpSync(join(ROOT, 'platforms'), join(copy, 'platforms'), {
      recursive: true,
      filter: (path) => !path.includes('node_modules'),
    });
  }
  pnpm(copy, ['install', '--frozen-lockfile', '--prefer-offline', '--ignore-scripts', '--silent']);
  // `changeset status` compares with the branch that the next release is made of.
  output('git', ['init', '--quiet', '--initial-branch', 'main'], { cwd: copy });
  output('git', ['add', '--all'], { cwd: copy });
  output('git', [...COMMITTER, 'commit', '--quiet', '--no-verify', '--message', 'rehearsal'], { cwd: copy });
}

/** Sets the next versions in `copy`, with their changelogs. Returns the result in words; throws where either is not as planned. */
export function versionRelease(copy) {
  output(changesetOf(copy), ['status', '--output', 'plan.json'], { cwd: copy });
  const { changesets, releases: planned } = readJson(join(copy, 'plan.json'));
  // Private packages that depend on a released one are listed, and stay what they are.
  const releases = planned.filter(({ name }) => name.startsWith('@sluice/'));
  if (releases.length === 0) throw new Error('changeset status plans no release');
  output(changesetOf(copy), ['version'], { cwd: copy });
  const folders = ['packages', 'platforms'].flatMap((parent) =>
    readdirSync(join(copy, parent)).map((name) => join(copy, parent, name)),
  );
  const manifests = folders.map((folder) => [folder, readJson(join(folder, 'package.json'))]);
  for (const { name, newVersion } of releases) {
    const [folder, manifest] = manifests.find(([, { name: found }]) => found === name) ?? [];
    if (manifest?.version !== newVersion) throw new Error(`${name} is not at ${newVersion}`);
    const log = readFileSync(join(folder, 'CHANGELOG.md'), 'utf8');
    if (!log.includes(`\n## ${newVersion}\n`))
      throw new Error(`the changelog of ${name} has no ${newVersion}`);
  }
  const left = readdirSync(join(copy, '.changeset')).filter((file) => file.endsWith('.md'));
  if (left.length > 0) throw new Error(`not in a changelog: ${left.join(', ')}`);
  const missing = manifests.filter(([, { name }]) => !releases.some((release) => release.name === name));
  if (missing.length > 0) throw new Error(`not released: ${missing.map(([, { name }]) => name).join(', ')}`);
  const versions = [...new Set(releases.map(({ newVersion }) => newVersion))];
  return `${changesets.length} changesets, ${releases.length} packages at ${versions.join(', ')}, each with its changelog`;
}

/** Publishes the packages of `copy` to `registry`. Returns the result in words. */
export function publishRelease(copy, { npmrc, url }) {
  writeFileSync(join(copy, '.npmrc'), npmrc);
  // A package without a binary would be published, too; the other processor's is in the matrix of optional dependencies all the same.
  const env = { ...process.env, npm_config_registry: undefined, 'npm_config_@sluice:registry': url };
  // It publishes by the pnpm of the PATH, which writes what `workspace:*` stands for.
  const publish = [changesetOf(copy), 'publish', '--no-git-tag'];
  output('npm', ['exec', '--yes', '--package', pinnedPnpm(), '--', ...publish], { cwd: copy, env });
  return 'to a registry on this machine';
}

const changesetOf = (copy) => join(copy, 'node_modules', '.bin', 'changeset');

function readJson(path) {
  return JSON.parse(readFileSync(path, 'utf8'));
}
