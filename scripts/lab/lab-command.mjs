// What `npm run lab` does with its words.
import { runChecks, summaryLine } from '../checks.mjs';
import { setup } from '../setup.mjs';
import { parseOptions, USAGE } from './options.mjs';
import { runInLab } from './run-in-lab.mjs';
import { labCheck } from './run-tests.mjs';

/** Ends this process the way the command did; `prepare` brings the clone up to date first. */
export async function labCommand(args, { prepare = setup } = {}) {
  const { command, tests, ...options } = parseOptions(args);
  if (!tests && command.length === 0) {
    process.stdout.write(USAGE);
    return;
  }
  await prepare();
  if (tests) return runTests(command, options.suite);
  const { code, signal } = await runInLab(command, options);
  if (signal !== undefined) process.kill(process.pid, signal);
  else process.exitCode = code;
}

async function runTests(filters, suite) {
  const { line, ok } = summaryLine(await runChecks([labCheck(filters, suite)], { strict: false }));
  process.stdout.write(`\n${line}\n`);
  process.exitCode = ok ? 0 : 1;
}
