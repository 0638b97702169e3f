// Runs named checks one after the other and counts them.
// Rule: a check that fails never hides the ones after it, and one that did not run never counts as passed.

/** Thrown by a check that could not start for a reason outside the code (no network). */
export class NotRun extends Error {
  name = 'NotRun';
}

/**
 * Runs `checks` (`{ title, isSuite?, mayBeMissing?, run }`, where `run` resolves with `{ passed, failed, skipped, failures? }`
 * or throws) and resolves with their counts. With `strict`, as in CI, a check that could not run has failed, except one that
 * `mayBeMissing`: what it needs is not to be had for every machine.
 */
export async function runChecks(checks, { strict, write = (text) => process.stdout.write(text) }) {
  const results = [];
  for (const check of checks) {
    write(`\n▶ ${check.title}\n`);
    const startedMs = performance.now();
    const { counts, outcome } = await runCheck(check, strict && check.mayBeMissing !== true);
    write(`${outcome} (${((performance.now() - startedMs) / 1000).toFixed(1)} s)\n`);
    results.push({ title: check.title, isSuite: check.isSuite === true, failures: [], ...counts });
  }
  return results;
}

/** What has failed, check by check, so that the end of a long output says it. */
export function failureLines(results) {
  return results
    .filter(({ failed }) => failed > 0)
    .flatMap(({ title, failures }) => [`✗ ${title}`, ...failures.map((failure) => `    ${failure}`)]);
}

/** The last line of a run, and whether the run succeeded: nothing failed and at least one test ran. */
export function summaryLine(results) {
  const sum = (field) => results.reduce((total, result) => total + result[field], 0);
  const [passed, failed, skipped] = [sum('passed'), sum('failed'), sum('skipped')];
  const line = `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`;
  const testsRan = results.some((result) => result.isSuite && result.passed + result.failed > 0);
  return { line, ok: failed === 0 && testsRan };
}

async function runCheck({ title, run }, strict) {
  try {
    const counts = await run();
    if (counts.failed > 0) return { counts, outcome: `✗ ${title}: ${counts.failed} failed` };
    return { counts, outcome: `✓ ${title}` };
  } catch (error) {
    if (error instanceof NotRun && !strict) {
      return {
        counts: { passed: 0, failed: 0, skipped: 1 },
        outcome: `- ${title}: not run: ${error.message}`,
      };
    }
    const counts = { passed: 0, failed: 1, skipped: 0, failures: [error.message] };
    return { counts, outcome: `✗ ${title}: ${error.message}` };
  }
}
