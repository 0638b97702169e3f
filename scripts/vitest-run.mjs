// Runs the test suite under a given node binary and counts what vitest's JSON report says.
// Rule: the report is believed only together with the exit code; either can tell of a failure the other misses.
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join, relative } from 'node:path';
import { ROOT } from './root.mjs';
import { runTool } from './tool.mjs';

/**
 * Resolves with `{ passed, failed, skipped, failures }`; `filters` are vitest's own arguments, `nodeOptions` those of its node.
 * `run` starts the program, for a place of its own to run it in; the report is written below `reports`.
 */
export async function runVitest(node, filters = [], options = {}) {
  const { nodeOptions = [], env = process.env, run = runTool, reports = tmpdir() } = options;
  const folder = mkdtempSync(join(reports, 'sluice-vitest-'));
  const report = join(folder, 'report.json');
  try {
    const code = await run(
      node,
      [
        ...nodeOptions,
        join(ROOT, 'node_modules', 'vitest', 'vitest.mjs'),
        'run',
        '--reporter=default',
        '--reporter=json',
        `--outputFile.json=${report}`,
        ...filters,
      ],
      // A test that starts `node` by name gets the one that is being tested.
      { env: { ...env, PATH: `${dirname(node)}${delimiter}${env.PATH}` } },
    );
    if (!existsSync(report)) throw new Error(`vitest ended with code ${code} and wrote no report`);
    return countReport(JSON.parse(readFileSync(report, 'utf8')), code);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The counts of one JSON report of a vitest that ended with `code`. */
export function countReport(report, code) {
  const skipped = report.numPendingTests + report.numTodoTests;
  // A file that cannot even be loaded has no tests that could fail.
  const brokenFiles = report.testResults.filter(
    (file) => file.status === 'failed' && !file.assertionResults.some((test) => test.status === 'failed'),
  ).length;
  const failed = report.numFailedTests + brokenFiles;
  // An error outside of any test (an unhandled rejection) shows in the exit code alone.
  const isOutside = failed === 0 && code !== 0;
  const failures = isOutside ? ['an error outside of all tests'] : failuresOf(report);
  return { passed: report.numPassedTests, failed: isOutside ? 1 : failed, skipped, failures };
}

/** A line or two for each: which test, and the first line of why. */
function failuresOf(report) {
  return report.testResults
    .filter((file) => file.status === 'failed')
    .flatMap((file) => {
      const name = relative(ROOT, file.name);
      const tests = file.assertionResults.filter((test) => test.status === 'failed');
      if (tests.length === 0) return [`${name}: ${firstLine(file.message)}`];
      return tests.map((test) => `${name} > ${test.fullName}: ${firstLine(test.failureMessages[0])}`);
    });
}

function firstLine(text = '') {
  return text.split('\n', 1)[0];
}
