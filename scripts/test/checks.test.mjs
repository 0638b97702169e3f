import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { failureLines, NotRun, runChecks, summaryLine } from '../checks.mjs';
import { ROOT } from '../root.mjs';
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
  return { output, failures: failureLines(results), ...summaryLine(results) };
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

  it('names in the end what has failed, and nothing else', async () => {
    const tests = { passed: 1, failed: 1, skipped: 0, failures: ['a.test.ts > is so: it is not'] };
    const { failures } = await run([
      passing,
      failing,
      { title: 'suite', isSuite: true, run: async () => tests },
    ]);
    expect(failures).toEqual(['✗ broken', '    exit code 2', '✗ suite', '    a.test.ts > is so: it is not']);
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
    expect(countReport(report, 0)).toEqual({ passed: 2, failed: 0, skipped: 2, failures: [] });
  });

  it('counts a file that could not be loaded as one failure', () => {
    const file = {
      name: join(ROOT, 'a.test.ts'),
      status: 'failed',
      assertionResults: [],
      message: 'no such\nthing',
    };
    const failures = ['a.test.ts: no such'];
    expect(countReport({ ...report, testResults: [file] }, 1)).toEqual({
      passed: 2,
      failed: 1,
      skipped: 2,
      failures,
    });
  });

  it('names a test that failed, with the first line of why', () => {
    const assertionResults = [
      { status: 'passed', fullName: 'is fine', failureMessages: [] },
      { status: 'failed', fullName: 'is so', failureMessages: ['Error: it is not\n    at a.test.ts:1'] },
    ];
    const file = { name: join(ROOT, 'a.test.ts'), status: 'failed', assertionResults, message: '' };
    const failures = ['a.test.ts > is so: Error: it is not'];
    const failed = { ...report, numFailedTests: 1, testResults: [file] };
    expect(countReport(failed, 1)).toEqual({ passed: 2, failed: 1, skipped: 2, failures });
  });

  it('counts an error outside of all tests as one failure', () => {
    const failures = ['an error outside of all tests'];
    expect(countReport(report, 1)).toEqual({ passed: 2, failed: 1, skipped: 2, failures });
  });
});
