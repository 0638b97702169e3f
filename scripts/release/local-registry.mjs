// A registry of one's own, on this machine and for as long as it is used: verdaccio, out of the cache.
// Rule: it knows `@sluice/*`, `@acme/*` (whoever follows the tutorial) and nothing else; the rest comes from the registry of npm.
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { cacheDirectory } from '../../packages/core-native/scripts/cache-directory.mjs';
import { onInterruption } from '../../packages/core-native/scripts/interruption.mjs';
import { runStep } from '../../packages/core-native/scripts/progress.mjs';
import { runLogged } from '../../packages/core-native/scripts/run-logged.mjs';
import { SetupError } from '../../packages/core-native/scripts/setup-error.mjs';
import { freePort } from '../free-port.mjs';

/** The last one that runs on Node 20, with the fetch that it asks for in a version that installs. */
const VERDACCIO = { dependencies: { verdaccio: '6.8.0' }, overrides: { 'node-fetch': '2.7.0' } };
const START_MS = 30_000;

/** Starts it with its storage in `folder`. Resolves with `{ url, npmrc, tarballOf, stop }`; `npmrc` lets npm and pnpm read and publish. */
export async function startRegistry(folder) {
  const program = join(await ensureVerdaccio(), 'node_modules', 'verdaccio', 'bin', 'verdaccio');
  const port = await freePort();
  const url = `http://127.0.0.1:${port}/`;
  mkdirSync(folder, { recursive: true });
  const config = join(folder, 'config.yaml');
  writeFileSync(config, settings(folder));
  const child = spawn(process.execPath, [program, '--config', config, '--listen', `127.0.0.1:${port}`], {
    cwd: folder,
    stdio: 'ignore',
  });
  const forget = onInterruption(() => child.kill('SIGTERM'));
  const ended = new Promise((resolve) => child.once('exit', resolve));
  const stop = async () => {
    forget();
    child.kill('SIGTERM');
    await ended;
  };
  try {
    await answering(url, child);
  } catch (error) {
    await stop();
    throw error;
  }
  const npmrc = `@sluice:registry=${url}\n//127.0.0.1:${port}/:_authToken=nobody\nfund=false\naudit=false\nupdate-notifier=false\n`;
  return { url, npmrc, tarballOf: (name) => onlyTarball(join(folder, 'storage', name)), stop };
}

function settings(folder) {
  return [
    `storage: ${JSON.stringify(join(folder, 'storage'))}`,
    'auth: { htpasswd: { file: ./htpasswd } }',
    "packages: { '@sluice/*': { access: $all, publish: $all }, '@acme/*': { access: $all, publish: $all } }",
    'max_body_size: 100mb',
    'log: { type: stdout, level: error }',
    '',
  ].join('\n');
}

function onlyTarball(folder) {
  const tarballs = existsSync(folder) ? readdirSync(folder).filter((name) => name.endsWith('.tgz')) : [];
  if (tarballs.length !== 1) throw new SetupError(`${folder} has ${tarballs.length} tarballs instead of one`);
  return join(folder, tarballs[0]);
}

/** Its folder in the cache, fetched where it is not there yet. */
export async function ensureVerdaccio() {
  const home = join(cacheDirectory(), 'packages', `verdaccio-${VERDACCIO.dependencies.verdaccio}`);
  if (existsSync(home)) return home;
  mkdirSync(join(cacheDirectory(), 'packages'), { recursive: true });
  const partial = mkdtempSync(`${home}.installing-`);
  try {
    writeFileSync(join(partial, 'package.json'), JSON.stringify({ private: true, ...VERDACCIO }));
    await runStep(`verdaccio ${VERDACCIO.dependencies.verdaccio}`, () =>
      runLogged('npm', ['install', '--ignore-scripts', '--no-audit', '--no-fund'], {
        cwd: partial,
        log: `${home}.log`,
        timeoutMs: 300_000,
      }),
    );
    if (!existsSync(home)) renameSync(partial, home);
  } finally {
    rmSync(partial, { recursive: true, force: true });
  }
  return home;
}

async function answering(url, child) {
  const deadlineMs = Date.now() + START_MS;
  while (child.exitCode === null && Date.now() < deadlineMs) {
    try {
      if ((await fetch(`${url}-/ping`)).ok) return;
    } catch {
      // Nobody listens yet.
    }
    await delay(100);
  }
  throw new SetupError(`verdaccio did not answer at ${url}`);
}
