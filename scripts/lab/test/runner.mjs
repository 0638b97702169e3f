// Starts `npm run lab` without npm, and sees what is left of it.
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { ROOT } from '../../root.mjs';
import { ensureLabPackages } from '../packages.mjs';

const PROGRAM = join(import.meta.dirname, 'without-setup.mjs');

/** A cache with the fetched packages in it and with no run but this test's, at a path that takes quoting. */
export async function ownCache() {
  const { folder } = await ensureLabPackages();
  const parent = mkdtempSync(join(tmpdir(), 'sluice-lab-'));
  const path = join(parent, "it's a cache");
  mkdirSync(join(path, 'lab-runs'), { recursive: true });
  symlinkSync(folder, join(path, basename(folder)));
  return {
    path,
    runs: () => readdirSync(join(path, 'lab-runs')),
    remove: () => rmSync(parent, { recursive: true, force: true }),
  };
}

/** `args` as after `npm run lab --`; `ended` resolves with `{ code, signal, stdout, stderr }`. */
export function lab(args, { cache, cwd = ROOT, env = {} }) {
  const child = spawn(process.execPath, [PROGRAM, ...args], {
    cwd,
    // No npm started it.
    env: { ...process.env, npm_lifecycle_event: undefined, SLUICE_CACHE_DIR: cache.path, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const said = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr']) {
    child[name].setEncoding('utf8').on('data', (text) => {
      said[name] += text;
    });
  }
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    child,
    nextLine: async () => (await lines.next()).value,
    ended: new Promise((resolve) => child.on('close', (code, signal) => resolve({ code, signal, ...said }))),
  };
}

/** The processes of the kernels that have booted from `cache`: one group each, the arguments of its leader. */
export function kernelsOf(cache) {
  return processes().filter(({ words }) => words.some((word) => word.includes(cache.path)));
}

/** Resolves when no kernel of `cache` is alive; how soon is the kernel's and the machine's affair. */
export async function untilNoKernel(cache) {
  while (kernelsOf(cache).length > 0) await delay(20);
}

/** All that are alive, and no zombie: those have no words. */
function processes() {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        return [{ pid: Number(pid), words: readFileSync(join('/proc', pid, 'cmdline'), 'utf8').split('\0') }];
      } catch {
        return [];
      }
    });
}
