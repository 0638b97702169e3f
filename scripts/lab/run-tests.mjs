// The tests of the lab: what it promises, run on the host, and NAME.lab.test.ts, run inside, all by one boot.
import { join } from 'node:path';
import { onInterruption } from '../../packages/core-native/scripts/interruption.mjs';
import { NotRun } from '../checks.mjs';
import { ROOT } from '../root.mjs';
import { runVitest } from '../vitest-run.mjs';
import { labAvailable } from './available.mjs';
import { startLab } from './start-lab.mjs';

/** Far beyond what the tests take: for a kernel that hangs, which nothing inside would tell. */
const LIMIT_MS = 600_000;

/** As a check of checks.mjs; `filters` are vitest's own arguments. Not run, with the reason, where there is no lab. */
export function labCheck(filters = []) {
  return {
    title: 'tests in the lab (kernel TLS, a bad network)',
    isSuite: true,
    mayBeMissing: true,
    run: () => runLabTests(filters),
  };
}

async function runLabTests(filters) {
  const lab = await labAvailable();
  if (!lab.available) throw new NotRun(lab.reason);
  const config = (name) => ['--config', join(ROOT, 'scripts', 'lab', name), '--passWithNoTests', ...filters];
  const outside = await runVitest(process.execPath, config('outside.vitest.config.mjs'));
  const inside = await runVitest(process.execPath, config('inside.vitest.config.mjs'), {
    run: runToolInLab,
    // The folder for temporary files may be one of those that the lab has its own of.
    reports: join(ROOT, 'node_modules'),
  });
  return {
    passed: outside.passed + inside.passed,
    failed: outside.failed + inside.failed,
    skipped: outside.skipped + inside.skipped,
  };
}

/** As runTool, in the lab. */
async function runToolInLab(command, args, { env }) {
  const lab = await startLab([command, ...args], { cwd: ROOT, env });
  const forget = onInterruption(lab.end);
  const clock = setTimeout(lab.end, LIMIT_MS);
  lab.stdout.pipe(process.stdout, { end: false });
  lab.stderr.pipe(process.stderr, { end: false });
  try {
    return (await lab.ended) ?? 1;
  } finally {
    clearTimeout(clock);
    forget();
  }
}
