import { describe, expect, it } from 'vitest';
import { NotRun, runChecks, summaryLine } from '../checks.mjs';
import { countReport } from '../vitest-run.mjs';

const passing = { title: 'fine', isSuite: true, run: async () => ({ passed: 3, failed: 0, skipped: 0 }) };
const failing = {
  title: 'broken',
  run: async () => {
    throw new Error('exit code 2');
  },
};
const unavailable = {
  title: 'far away',
  run: async () => {
    throw new NotRun('no network');
  },
};

async function run(checks, strict = false) {
  let output = '';
  const results = await runChecks(checks, { strict, write: (text) => (output += text) });
  return { output, ...summaryLine(results) };
}

describe('the checks of npm test', () => {
  it('adds the counts of all checks to one line', async () => {
    const { line, ok } = await run([passing, passing]);
    expect({ line, ok }).toEqual({ line: '6 passed, 0 failed', ok: true });
  });

  it('goes on after a failure and fails in the end', async () => {
    const { line, ok, output } = await run([failing, passing]);
    expect({ line, ok }).toEqual({ line: '3 passed, 1 failed', ok: false });
    expect(output).toContain('✗ broken: exit code 2');
  });

  it('counts what could not run as skipped, and says why', async () => {
    const { line, ok, output } = await run([passing, unavailable]);
    expect({ line, ok }).toEqual({ line: '3 passed, 0 failed, 1 skipped', ok: true });
    expect(output).toContain('- far away: not run: no network');
  });

  it('counts what no machine has to have as skipped in CI too', async () => {
    const { line, ok } = await run([passing, { ...unavailable, mayBeMissing: true }], true);
    expect({ line, ok }).toEqual({ line: '3 passed, 0 failed, 1 skipped', ok: true });
  });

  it('counts what could not run as failed in CI', async () => {
    const { line, ok } = await run([passing, unavailable], true);
    expect({ line, ok }).toEqual({ line: '3 passed, 1 failed', ok: false });
  });

  it('fails when no test ran at all', async () => {
    const { ok } = await run([{ title: 'lint', run: async () => ({ passed: 1, failed: 0, skipped: 0 }) }]);
    expect(ok).toBe(false);
  });
});

describe('the counts of a vitest report', () => {
  const report = {
    numPassedTests: 2,
    numFailedTests: 0,
    numPendingTests: 1,
    numTodoTests: 1,
    testResults: [],
  };

  it('takes passed, skipped and to-do tests from the report', () => {
    expect(countReport(report, 0)).toEqual({ passed: 2, failed: 0, skipped: 2 });
  });

  it('counts a file that could not be loaded as one failure', () => {
    const broken = { ...report, testResults: [{ status: 'failed', assertionResults: [] }] };
    expect(countReport(broken, 1)).toEqual({ passed: 2, failed: 1, skipped: 2 });
  });

  it('counts an error outside of all tests as one failure', () => {
    expect(countReport(report, 1)).toEqual({ passed: 2, failed: 1, skipped: 2 });
  });
});
