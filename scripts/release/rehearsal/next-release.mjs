// A copy of the tree that is versioned and published as a release would be.
// Rule: `changeset` itself does both, by the commands that CONTRIBUTING.md has.
import { cpSync, existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { pinnedPnpm } from '../../dependencies.mjs';
import { ROOT } from '../../root.mjs';
import { output } from './output.mjs';
import { pnpm } from './package-managers.mjs';

/** Fills the folder `copy` with the tree, dist/ and the binaries, and sets the next versions in it. */
export function prepareRelease(copy) {
  const listing = ['ls-files', '-z', '--cached', '--others', '--exclude-standard'];
  for (const file of output('git', listing, { cwd: ROOT }).split('\0').filter(Boolean)) {
    if (!existsSync(join(ROOT, file))) continue;
    mkdirSync(dirname(join(copy, file)), { recursive: true });
    cpSync(join(ROOT, file), join(copy, file));
  }
  for (const name of readdirSync(join(ROOT, 'packages'))) {
    cpSync(join(ROOT, 'packages', name, 'dist'), join(copy, 'packages', name, 'dist'), { recursive: true });
  }
  cpSync(join(ROOT, 'platforms'), join(copy, 'platforms'), {
    recursive: true,
    filter: (path) => !path.includes('node_modules'),
  });
  output('git', ['init', '--quiet'], { cwd: copy });
  pnpm(copy, ['install', '--frozen-lockfile', '--prefer-offline', '--ignore-scripts', '--silent']);
  output(changesetOf(copy), ['version'], { cwd: copy });
}

/** Publishes the packages of `copy` to `registry`. */
export function publishRelease(copy, { npmrc, url }) {
  writeFileSync(join(copy, '.npmrc'), npmrc);
  // A package without a binary would be published, too; the other processor's is in the matrix of optional dependencies all the same.
  const env = { ...process.env, npm_config_registry: undefined, 'npm_config_@sluice:registry': url };
  // It publishes by the pnpm of the PATH, which writes what `workspace:*` stands for.
  const publish = [changesetOf(copy), 'publish', '--no-git-tag'];
  output('npm', ['exec', '--yes', '--package', pinnedPnpm(), '--', ...publish], { cwd: copy, env });
}

const changesetOf = (copy) => join(copy, 'node_modules', '.bin', 'changeset');
