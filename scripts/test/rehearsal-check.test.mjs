import { describe, expect, test } from 'vitest';
import { NotRun } from '../checks.mjs';
import { rehearsalCounts } from '../release/rehearsal-check.mjs';

const RESULTS = [
  { title: 'Node 20, npm', outcome: 'passed', note: 'installed' },
  { title: 'Node 22, npm', outcome: 'notRun', note: 'not run: no network' },
  { title: 'a build', outcome: 'leftOut', note: 'left out: minutes' },
];

describe('the counts of a rehearsal', () => {
  test('what did not run is skipped, and in CI it has failed', () => {
    expect(rehearsalCounts(RESULTS, 0, false)).toEqual({ passed: 1, failed: 0, skipped: 1, failures: [] });
    expect(rehearsalCounts(RESULTS, 0, true)).toEqual({
      passed: 1,
      failed: 1,
      skipped: 0,
      failures: ['Node 22, npm: not run: no network'],
    });
  });

  test('a rehearsal of which nothing ran is a check that did not run', () => {
    const results = [{ title: 'the rehearsal', outcome: 'notRun', note: 'not run: no network' }];
    expect(() => rehearsalCounts(results, 0, true)).toThrow(NotRun);
    expect(() => rehearsalCounts(results, 0, true)).toThrow(/^no network$/);
  });

  test('each failure is told with its reason', () => {
    const failed = { title: 'publish', outcome: 'failed', note: 'no such package' };
    expect(rehearsalCounts([...RESULTS, failed], 1, false)).toMatchObject({
      failed: 1,
      failures: ['publish: no such package'],
    });
  });

  test('an exit code that no failure accounts for is one', () => {
    expect(rehearsalCounts(RESULTS, 1, false)).toMatchObject({
      failed: 1,
      failures: ['the rehearsal ended with 1'],
    });
  });
});
