// Whether this machine can have the lab at all: asked by tests, answered by booting it once.
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { release as hostRelease, userInfo } from 'node:os';
import { join } from 'node:path';
import { onInterruption } from '../../packages/core-native/scripts/interruption.mjs';
import { ensureLabPackages } from './packages.mjs';
import { startLab } from './start-lab.mjs';

const PROBE_TIMEOUT_MS = 60_000;
const NEEDED = ['tls', 'sch_netem'];

const answers = new Map();

/**
 * Resolves with `{ available: true, kernel, modules }`, the release of its kernel and the names of the modules in it, or
 * with `{ available: false, reason }`. A boot that succeeded is remembered with the packages, one that failed is not. `suite` is
 * a release of Debian's, the machine's own without.
 */
export function labAvailable(suite) {
  const answer =
    answers.get(suite) ?? probe(suite).catch((error) => ({ available: false, reason: error.message }));
  answers.set(suite, answer);
  return answer;
}

async function probe(suite) {
  const packages = await ensureLabPackages(suite);
  const { folder } = packages;
  // Another kernel of the host's or another user may not be allowed to do what this one was.
  const memo = join(folder, `probe-${hostRelease()}-${userInfo().uid}.json`);
  if (existsSync(memo)) return JSON.parse(readFileSync(memo, 'utf8'));
  const result = await boot(packages);
  const partial = `${memo}.${process.pid}`;
  writeFileSync(partial, JSON.stringify(result));
  renameSync(partial, memo);
  return result;
}

async function boot(packages) {
  const lab = await startLab(['sh', '-c', 'uname -r; cut -d" " -f1 /proc/modules'], { cwd: '/', packages });
  const forget = onInterruption(lab.end);
  const clock = setTimeout(lab.end, PROBE_TIMEOUT_MS);
  try {
    lab.stderr.resume();
    let said = '';
    lab.stdout.setEncoding('utf8').on('data', (text) => {
      said += text;
    });
    const code = await lab.ended;
    if (code !== 0) {
      const how =
        code === undefined ? `did not come up within ${PROBE_TIMEOUT_MS / 1000} s` : `ended with ${code}`;
      throw new Error(`the lab ${how}`);
    }
    const [kernel, ...modules] = said.trim().split('\n');
    const missing = NEEDED.filter((name) => !modules.includes(name));
    if (missing.length > 0) throw new Error(`its kernel ${kernel} has no ${missing.join(', no ')}`);
    return { available: true, kernel, modules };
  } finally {
    clearTimeout(clock);
    forget();
  }
}
