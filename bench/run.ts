/**
 * `npm run bench [-- SUITE… | report] [--rounds N] [--seconds N] [--against PEERS] [--cases WORDS] [--large]`:
 * measures, writes `bench/results/SUITE.json`, prints tables, and writes `docs/benchmarks.md` from all results that there
 * are; `report` does that alone. `profile [SUITE…]` counts instead of measuring: `lib/run-profile.ts`.
 *
 * Rule: whatever happens, every process that was started is ended, by its id. Figures are reported, never asserted.
 */
import { BenchError } from './lib/bench-error.ts';
import { measureSuite } from './lib/measure-suite.ts';
import { markdownTable } from './lib/report.ts';
import { writeResult } from './lib/result-file.ts';
import { runProfile } from './lib/run-profile.ts';
import { isPartial, parseSettings, type Settings } from './lib/settings.ts';
import type { Suite } from './lib/suite.ts';
import { writeReport } from './lib/write-report.ts';
import { SUITES } from './suites/index.ts';

const INTERRUPTED = 130;
/** Stands where a suite may, and measures nothing. */
const REPORT = 'report';
/** Stands in front of suites that are to be profiled. */
const PROFILE = 'profile';

const interruption = new AbortController();
const interrupt = () => interruption.abort();
process.once('SIGINT', interrupt).once('SIGTERM', interrupt);

try {
  const settings = parseSettings(process.argv.slice(2));
  if (settings.suites[0] === PROFILE) await profile(settings);
  else await measure(settings);
} catch (thrown) {
  if (interruption.signal.aborted) process.exitCode = INTERRUPTED;
  else if (thrown instanceof BenchError) {
    console.error(`\nbench: ${thrown.message}`);
    process.exitCode = 1;
  } else throw thrown;
}

async function measure(settings: Settings): Promise<void> {
  for (const suite of chosenSuites(settings)) await runSuite(suite, settings);
  if (!isPartial(settings)) console.error(`written to ${await writeReport(SUITES.map(({ name }) => name))}`);
}

async function profile({ suites, seconds }: Settings): Promise<void> {
  console.error(`written to ${await runProfile(SUITES, suites.slice(1), seconds, interruption.signal)}`);
}

async function runSuite(suite: Suite, settings: Settings): Promise<void> {
  console.error(`${suite.name}: ${suite.title}`);
  const result = await measureSuite(suite, settings, interruption.signal);
  console.log(`\n## ${suite.title}\n\n${markdownTable(result)}\n`);
  // A part must not stand where the report looks for the whole.
  if (isPartial(settings)) return;
  console.error(`written to ${await writeResult(result)}`);
}

function chosenSuites({ suites }: Settings): readonly Suite[] {
  if (suites.length === 0) return SUITES;
  return suites
    .filter((name) => name !== REPORT)
    .map((name) => {
      const suite = SUITES.find((candidate) => candidate.name === name);
      if (suite !== undefined) return suite;
      const names = SUITES.map((candidate) => candidate.name).join(', ');
      throw new BenchError(`there is no suite "${name}". There are: ${names}; and report`);
    });
}
