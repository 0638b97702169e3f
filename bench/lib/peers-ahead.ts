/**
 * Every case in which a peer does better than ours.
 *
 * Rule: computed from the figures, all of them: nobody chooses what is told.
 */
import type { SuiteResult } from './measure-suite.ts';
import { metricSummary, ratioTo } from './report.ts';
import type { Summary } from './statistics.ts';
import type { Metric } from './suite.ts';

export interface PeerAhead {
  readonly suite: string;
  readonly case: string;
  readonly peer: string;
  readonly metric: Metric;
  /** Medians. */
  readonly ours: number;
  readonly theirs: number;
  /** Ours divided by theirs, of the same rounds. */
  readonly ratio: Summary;
  /** Whether it was so in every round. */
  readonly isClear: boolean;
}

/** In the order of the results, their metrics and their cases. */
export function peersAhead(results: readonly SuiteResult[]): PeerAhead[] {
  return results.flatMap((result) => judgedMetrics(result).flatMap((metric) => aheadIn(result, metric)));
}

/** The first, of which less is always ahead, and those that say which way is. */
function judgedMetrics({ metrics }: SuiteResult): Metric[] {
  const [decisive, ...others] = metrics;
  return [{ ...decisive, better: 'less' }, ...others.filter(({ better }) => better !== undefined)];
}

function aheadIn(result: SuiteResult, metric: Metric): PeerAhead[] {
  const isAhead = (ratio: number) => (metric.better === 'more' ? ratio < 1 : ratio > 1);
  return result.series.flatMap((series) => {
    const ratio = ratioTo(result, series, metric);
    const ours = result.series.find((one) => one.case === series.case);
    if (ratio === undefined || ours === undefined || !isAhead(ratio.median)) return [];
    return [
      {
        suite: result.suite,
        case: series.case,
        peer: series.contender,
        metric,
        ours: metricSummary(ours, metric).median,
        theirs: metricSummary(series, metric).median,
        ratio,
        isClear: isAhead(ratio.min) && isAhead(ratio.max),
      },
    ];
  });
}
