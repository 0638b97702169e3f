/** Results as files: `bench/results/SUITE.json`, every sample of them, for whoever wants to compare runs. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
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
