// The tests of the lab: what it promises, run on the host, and NAME.lab.test.ts, run inside, all by one boot.
import { join } from 'node:path';
import { onInterruption } from '../../packages/core-native/scripts/interruption.mjs';
import { NotRun } from '../checks.mjs';
import { ROOT } from '../root.mjs';
import { runVitest } from '../vitest-run.mjs';
import { labAvailable } from './available.mjs';
import { startLab } from './start-lab.mjs';

/** Far beyond what the tests take: for a kernel that hangs, which nothing inside would tell. */
const LIMIT_MS = 1_200_000;
const NONE = { passed: 0, failed: 0, skipped: 0, failures: [] };

/**
 * As a check of checks.mjs; `filters` are vitest's own arguments. Not run, with the reason, where there is no lab. With `suite`
 * those inside alone, in the kernel of that release of Debian.
 */
export function labCheck(filters = [], suite = undefined) {
  return {
    title: 'tests in the lab (kernel TLS, a bad network)',
    isSuite: true,
    mayBeMissing: true,
    run: () => runLabTests(filters, suite),
  };
}

async function runLabTests(filters, suite) {
  const lab = await labAvailable(suite);
  if (!lab.available) throw new NotRun(lab.reason);
  const config = (name) => ['--config', join(ROOT, 'scripts', 'lab', name), '--passWithNoTests', ...filters];
  const outside =
    suite === undefined ? await runVitest(process.execPath, config('outside.vitest.config.mjs')) : NONE;
  const inside = await runVitest(process.execPath, config('inside.vitest.config.mjs'), {
    run: (program, args, { env }) => runToolInLab([program, ...args], { env, suite }),
    // The folder for temporary files may be one of those that the lab has its own of.
    reports: join(ROOT, 'node_modules'),
  });
  return {
    passed: outside.passed + inside.passed,
    failed: outside.failed + inside.failed,
    skipped: outside.skipped + inside.skipped,
    failures: [...outside.failures, ...inside.failures],
  };
}

/** As runTool, in the lab. */
async function runToolInLab(command, options) {
  const lab = await startLab(command, { cwd: ROOT, ...options });
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
