/** A result as a Markdown table: a row for each server in each case, and how we compare with it. */
import type { Series, SuiteResult } from './measure-suite.ts';
import { type Summary, summarize } from './statistics.ts';
import type { Metric } from './suite.ts';

/**
 * Medians, the spread of the metric that decides, and the ratio of ours to each other server, of the same rounds. Of
 * several metrics that are compared each ratio stands behind its figure.
 */
export function markdownTable(result: SuiteResult): string {
  const [decisive, ...others] = result.metrics;
  const ours = result.series[0]?.contender ?? '';
  const heads = ['case', 'server', decisive.title, 'min to max', ...others.map(({ title }) => title)];
  const rows = result.series.map((series) => {
    const { median, min, max } = metricSummary(series, decisive);
    const figures = [median.toFixed(decisive.digits), range(min, max, decisive.digits)];
    const rest = others.map((metric) => otherCell(result, series, metric));
    return [series.case, series.contender, ...figures, ...rest, ratioCell(result, series)];
  });
  const lines = [[...heads, `${ours} ÷ it`], heads.map(() => '---').concat('---'), ...rows];
  return lines.map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

/** The metrics whose ratios are told. */
export function comparedMetrics({ metrics }: Pick<SuiteResult, 'metrics'>): readonly Metric[] {
  return metrics.filter((metric, index) => index === 0 || metric.compared);
}

/** Ours divided by `other`'s, round by round: what disturbed a whole round cancels out. Undefined for ours itself. */
export function ratioTo(
  result: SuiteResult,
  other: Series,
  { name }: Metric = result.metrics[0],
): Summary | undefined {
  const ours = result.series.find((series) => series.case === other.case);
  if (ours === undefined || ours === other) return undefined;
  return summarize(
    ours.samples.map((sample, round) => (sample[name] ?? NaN) / (other.samples[round]?.[name] ?? NaN)),
  );
}

function otherCell(result: SuiteResult, series: Series, metric: Metric): string {
  const { median } = metricSummary(series, metric);
  const ratio = metric.compared ? ratioTo(result, series, metric) : undefined;
  // Not every case has every figure.
  if (!Number.isFinite(median)) return '–';
  return median.toFixed(metric.digits) + (ratio === undefined ? '' : ` (ratio ${ratio.median.toFixed(2)})`);
}

function ratioCell(result: SuiteResult, series: Series): string {
  const ratio = ratioTo(result, series);
  return ratio === undefined ? '' : `**${ratio.median.toFixed(2)}** (${range(ratio.min, ratio.max, 2)})`;
}

/** Of a metric that a case does not have, NaN. */
export function metricSummary(series: Series, { name }: Metric): Summary {
  return summarize(series.samples.map((sample) => sample[name] ?? Number.NaN));
}

function range(min: number, max: number, digits: number): string {
  return `${min.toFixed(digits)} to ${max.toFixed(digits)}`;
}
