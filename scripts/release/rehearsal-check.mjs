// The rehearsal as a check of `npm test`: with what the set-up and the build have just made, each of its parts counted.
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { NotRun } from '../checks.mjs';
import { ROOT } from '../root.mjs';
import { runTool } from '../tool.mjs';

/** As a check of checks.mjs, with the same meaning of `strict`: then what could not run has failed. It takes dist/ as it is. */
export function rehearsalCheck({ strict }) {
  return {
    title: 'versions, publishing, installing, the tutorial (publish:rehearsal --built-here)',
    run: () => runRehearsal(strict),
  };
}

async function runRehearsal(strict) {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-rehearsal-report-'));
  const report = join(folder, 'report.json');
  try {
    const program = join(ROOT, 'scripts', 'release', 'rehearsal.mjs');
    const flags = ['--built-here', '--no-build', '--report', report];
    const code = await runTool(process.execPath, ['--import', 'tsx', program, ...flags]);
    if (!existsSync(report)) throw new Error(`the rehearsal ended with ${code} and wrote no report`);
    return rehearsalCounts(JSON.parse(readFileSync(report, 'utf8')), code, strict);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The counts of a report, of a rehearsal that ended with `code`. Throws a NotRun where nothing of it ran. */
export function rehearsalCounts(results, code, strict) {
  const [first] = results;
  if (first !== undefined && results.every(({ outcome }) => outcome === 'notRun'))
    throw new NotRun(first.note.replace(/^not run: /, ''));
  const of = (outcome) => results.filter((result) => result.outcome === outcome);
  const bad = [...of('failed'), ...(strict ? of('notRun') : [])];
  const failures = bad.map(({ title, note }) => `${title}: ${note}`);
  if (bad.length === 0 && code !== 0) failures.push(`the rehearsal ended with ${code}`);
  return {
    passed: of('passed').length,
    failed: failures.length,
    skipped: strict ? 0 : of('notRun').length,
    failures,
  };
}
