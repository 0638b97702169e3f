// One command in one kernel of its own.
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { cacheDirectory } from '../../packages/core-native/scripts/cache-directory.mjs';
import { isOnPath } from '../../packages/core-native/scripts/required-tools.mjs';
import { SetupError } from '../../packages/core-native/scripts/setup-error.mjs';
import { codeFile, initScript } from './init-script.mjs';
import { startKernel } from './kernel.mjs';
import { modulesInOrder } from './modules.mjs';
import { ensureLabPackages } from './packages.mjs';

const SHOWN_LINES = 15;

/**
 * Boots a kernel that runs `command` (words). Resolves, before it is up, with
 *
 *   `stdout`, `stderr`   what the command writes, as it comes; both have to be read
 *   `signal(name)`       sends the command a signal; as `end()` while there is no command yet
 *   `end()`              ends the kernel with everything in it, synchronously
 *   `ended`              resolves, when no process and no file of it is left, with the command's exit code, 128 and more for
 *                        a signal as in a shell, or undefined after `end()`; rejects with a SetupError when the kernel failed
 *
 * `netem` is what tc(8) takes after that word, for the loopback interface; `memory` is the kernel's, `512M` or `2G`;
 * `suite` is the release of Debian whose kernel it is, the machine's own without; `packages` are what ensureLabPackages()
 * resolves with.
 */
export async function startLab(command, options = {}) {
  const { cwd = process.cwd(), env = process.env, netem, memory = '2G', suite } = options;
  const shaping = netem === undefined ? undefined : netemCommand(netem);
  const packages = options.packages ?? (await ensureLabPackages(suite));
  const { kernel, modules, release, busybox, libraries } = packages;
  // On the host's disk: the lab has folders of its own in /run and /dev, where TMPDIR might point.
  const runs = join(cacheDirectory(), 'lab-runs');
  mkdirSync(runs, { recursive: true });
  const folder = mkdtempSync(join(runs, 'run-'));
  const remove = () => rmSync(folder, { recursive: true, force: true });
  try {
    const init = join(folder, 'init');
    const script = initScript({
      ...{ folder, busybox, command, cwd, shaping },
      modules: modulesInOrder(modules),
      env: { ...env, TMPDIR: '/run/tmp', SLUICE_LAB: release },
    });
    // The environment may hold secrets.
    writeFileSync(init, script, { mode: 0o700 });
    const running = await startKernel({ kernel, packages: packages.folder, libraries, folder, init, memory });
    return labOf(running, folder, remove);
  } catch (error) {
    remove();
    throw error;
  }
}

function labOf(running, folder, remove) {
  let isUp = false;
  let isEnded = false;
  running.control.once('data', () => {
    isUp = true;
  });
  const end = () => {
    isEnded = true;
    running.end();
    remove();
  };
  const ended = running.ended
    .then(() => {
      const code = readCode(codeFile(folder));
      if (code !== undefined || isEnded) return code;
      throw new SetupError(failureMessage(running.console()));
    })
    .finally(remove);
  return {
    stdout: running.stdout,
    stderr: running.stderr,
    ended,
    // Earlier the line is not open, and what is written to it gets lost.
    signal: (name) => (isUp ? void running.control.write(`${name.replace(/^SIG/, '')}\n`) : end()),
    end,
  };
}

/** A kernel that fell on its way out may have left the file, and nothing in it. */
function readCode(path) {
  if (!existsSync(path)) return undefined;
  const [digits] = /^\d+(?=\n)/.exec(readFileSync(path, 'utf8')) ?? [];
  return digits === undefined ? undefined : Number(digits);
}

function netemCommand(netem) {
  const folders = [...(process.env.PATH ?? '').split(':'), '/usr/sbin', '/sbin'];
  const tc = folders.map((folder) => join(folder, 'tc')).find((path) => isOnPath(path));
  if (tc === undefined) {
    throw new SetupError(
      'a bad network takes tc, which is missing:\n\n    apt-get install -y iproute2   # Debian',
    );
  }
  const words = netem.split(/\s+/).filter((word) => word !== '');
  return [tc, 'qdisc', 'add', 'dev', 'lo', 'root', 'netem', ...words];
}

function failureMessage(said) {
  const lines = said.trim().split('\n').slice(-SHOWN_LINES);
  return `the lab's kernel ended before its command did. The last that it said:\n\n${lines.map((line) => `    ${line}`).join('\n')}`;
}
