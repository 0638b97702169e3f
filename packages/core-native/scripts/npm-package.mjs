// One npm package in the cache, outside every workspace: a Node of another version, with its headers; Bun; Deno.
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { runStep } from './progress.mjs';
import { runLogged } from './run-logged.mjs';

const NPM_TIMEOUT_MS = 300_000;

/** Whether that package is in the cache already. */
export function isInstalled(name, version, cache) {
  return existsSync(homeOf(name, version, cache));
}

/**
 * Installs `name@version` without running its scripts, and returns its folder. One that `isForeign` is for another processor,
 * which npm else refuses.
 */
export async function installPackage(name, version, cache, { isForeign = false } = {}) {
  const home = homeOf(name, version, cache);
  const folder = join(home, 'node_modules', name);
  if (existsSync(home)) return folder;
  // The name of a scope is a folder too.
  mkdirSync(dirname(home), { recursive: true });
  const temporary = mkdtempSync(`${home}.installing-`);
  try {
    await runStep(`npm package ${name} ${version}`, async () => {
      writeFileSync(join(temporary, 'package.json'), '{ "private": true }\n');
      await runLogged(
        'npm',
        // --cpu has no say in what is named itself.
        [
          ...['install', '--ignore-scripts', '--no-audit', '--no-fund'],
          ...(isForeign ? ['--force'] : []),
          `${name}@${version}`,
        ],
        {
          cwd: temporary,
          log: `${home}.log`,
          timeoutMs: NPM_TIMEOUT_MS,
        },
      );
    });
    publish(temporary, home);
  } finally {
    rmSync(temporary, { recursive: true, force: true });
  }
  return folder;
}

function homeOf(name, version, cache) {
  return join(cache, 'packages', `${name}-${version}`);
}

function publish(temporary, home) {
  try {
    renameSync(temporary, home);
  } catch (error) {
    // Another process was faster with the same package.
    if (error.code !== 'ENOTEMPTY' && error.code !== 'EEXIST') throw error;
  }
}
