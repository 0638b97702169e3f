/** The report, where people read it: `docs/benchmarks.md` and its charts. */
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { BenchError } from './bench-error.ts';
import { benchmarksPage } from './benchmarks-page.ts';
import { readResults } from './result-file.ts';
import { ROOT } from './typescript-program.ts';

const DOCS = fileURLToPath(new URL('docs/', ROOT));

/**
 * Writes it into `docs` from what was measured last of each of `suites`; charts of what was not are gone afterwards. Resolves
 * with the path of the page. Rejects with {@link BenchError} when nothing was ever measured.
 */
export async function writeReport(
  suites: readonly string[],
  { docs = DOCS, results: folder }: { readonly docs?: string; readonly results?: string } = {},
): Promise<string> {
  const results = await readResults(suites, folder);
  if (results.length === 0) throw new BenchError('there are no results to report: npm run bench measures');
  const measured = new Set(results.map(({ suite }) => suite));
  const page = benchmarksPage(
    results,
    suites.filter((suite) => !measured.has(suite)),
  );
  const charts = join(docs, 'benchmarks');
  await rm(charts, { recursive: true, force: true });
  await mkdir(charts, { recursive: true });
  for (const [name, text] of page.charts) await writeFile(join(charts, name), text);
  const path = join(docs, 'benchmarks.md');
  await writeFile(path, page.markdown);
  return path;
}
