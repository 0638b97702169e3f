// The workspace's npm dependencies, installed by the pnpm that package.json pins.
// Rule: the lockfile decides; a set-up never changes it.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { onInterruption } from '../packages/core-native/scripts/interruption.mjs';
import { runStep } from '../packages/core-native/scripts/progress.mjs';
import { SetupError } from '../packages/core-native/scripts/setup-error.mjs';
import { ROOT } from './root.mjs';

const STAMP = join(ROOT, 'node_modules', '.sluice-dependencies');

/** Installs what the lockfile names, if it or a manifest changed since the last time. */
export async function installDependencies() {
  if (areDependenciesCurrent()) return;
  const stamp = dependencyStamp();
  rmSync(STAMP, { force: true });
  await runStep('dependencies', async () => {
    // Modules that another version or layout of pnpm left are replaced, also without a terminal to ask on.
    const code = await runPnpm(['install', '--frozen-lockfile', '--config.confirmModulesPurge=false']);
    if (code !== 0) {
      throw new SetupError(
        `pnpm install ended with ${code}; what it said is above. If a package.json was changed on purpose, bring the lockfile up to date:\n\n` +
          `    npm exec --yes -- ${pinnedPnpm()} install`,
      );
    }
  });
  writeFileSync(STAMP, stamp);
}

/** True if the last install was made for exactly these manifests and this lockfile. */
export function areDependenciesCurrent() {
  return existsSync(STAMP) && readFileSync(STAMP, 'utf8') === dependencyStamp();
}

/** `pnpm@<version>` as package.json's `packageManager` says. */
export function pinnedPnpm() {
  const { packageManager } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
  return packageManager.split('+')[0];
}

function runPnpm(args) {
  // A bare clone has npm and nothing else. Both outputs go to standard error.
  const child = spawn('npm', ['exec', '--yes', '--', pinnedPnpm(), ...args], {
    cwd: ROOT,
    stdio: ['ignore', 2, 2],
  });
  const forget = onInterruption(() => child.kill('SIGTERM'));
  return new Promise((resolve, reject) => {
    child.on('error', (error) => reject(new SetupError(`npm could not be started: ${error.message}`)));
    child.on('close', (code, signal) => resolve(code ?? signal));
  }).finally(forget);
}

function dependencyStamp() {
  const hash = createHash('sha256').update(`${process.platform} ${process.arch}\n`);
  for (const path of ['pnpm-lock.yaml', 'pnpm-workspace.yaml', '.npmrc', 'package.json', ...manifests()]) {
    hash.update(`${path}\n`).update(readFileSync(join(ROOT, path)));
  }
  return hash.digest('hex');
}

function manifests() {
  const folders = ['packages', 'platforms'].flatMap((parent) =>
    readdirSync(join(ROOT, parent)).map((name) => `${parent}/${name}`),
  );
  return [...folders.sort(), 'bench', 'examples']
    .map((folder) => `${folder}/package.json`)
    .filter((path) => existsSync(join(ROOT, path)));
}
