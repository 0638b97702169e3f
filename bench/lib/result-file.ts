/** Results as files: `bench/results/SUITE.json`, every sample of them, for the report and for whoever wants to compare runs. */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { BenchError } from './bench-error.ts';
import type { SuiteResult } from './measure-suite.ts';
import { comparedMetrics, ratioTo } from './report.ts';

const FOLDER = fileURLToPath(new URL('../results/', import.meta.url));

/** Replaces the file of the suite. Resolves with its path, as seen from where we are. */
export async function writeResult(result: SuiteResult): Promise<string> {
  const path = join(FOLDER, `${result.suite}.json`);
  const ratios = comparedMetrics(result).flatMap((metric) =>
    result.series.flatMap((series) => {
      const ratio = ratioTo(result, series, metric);
      return ratio === undefined
        ? []
        : [{ case: series.case, metric: metric.name, to: series.contender, ...ratio }];
    }),
  );
  await mkdir(FOLDER, { recursive: true });
  await writeFile(path, `${JSON.stringify({ ...result, ratios }, null, 2)}\n`);
  return relative(process.cwd(), path);
}

/** What was measured last of each of `suites` in `folder`, in that order; of those that were never measured, nothing. */
export async function readResults(
  suites: readonly string[],
  folder: string = FOLDER,
): Promise<SuiteResult[]> {
  const results = await Promise.all(suites.map((suite) => readResult(join(folder, `${suite}.json`))));
  return results.filter((result) => result !== undefined);
}

async function readResult(path: string): Promise<SuiteResult | undefined> {
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (text === undefined) return undefined;
  const result = JSON.parse(text) as Partial<SuiteResult>;
  // Figures that are not there are null in JSON, which arithmetic would take for 0; whoever sums them up uses `??`.
  if (result.contenders !== undefined && result.absent !== undefined) return result as SuiteResult;
  throw new BenchError(`${path} is of an older benchmark: measure that suite again, or delete the file`);
}
