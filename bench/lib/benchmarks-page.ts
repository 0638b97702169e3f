/**
 * docs/benchmarks.md, out of results.
 *
 * Rule: the same results give the same text. Nothing is told that was not measured, and nothing that was is left out.
 */
import { type BarChart, barChart } from './bar-chart.ts';
import type { SuiteResult } from './measure-suite.ts';
import { type PeerAhead, peersAhead } from './peers-ahead.ts';
import { markdownTable, metricSummary, ratioTo } from './report.ts';

export interface BenchmarksPage {
  readonly markdown: string;
  /** Text by file name; the page looks for them in the folder `benchmarks` beside it. */
  readonly charts: ReadonlyMap<string, string>;
}

/** `unmeasured` are names of suites that there is no result of. */
export function benchmarksPage(
  results: readonly SuiteResult[],
  unmeasured: readonly string[] = [],
): BenchmarksPage {
  const sections = [
    INTRODUCTION,
    conditions(results, unmeasured),
    glance(results),
    ahead(peersAhead(results)),
    ...results.map(suiteSection),
  ];
  const charts = results.map((result) => [`${result.suite}.svg`, barChart(chartOf(result))] as const);
  return { markdown: `${sections.join('\n\n')}\n`, charts: new Map(charts) };
}

const INTRODUCTION = `# Benchmarks

<!-- Written by \`npm run bench\`, from bench/results: whatever is changed here is gone after the next run. -->

What a unit of work costs the *server* in CPU time, next to other servers in the same run. Absolute figures belong to the
machine and the day; the ratios are what to look at. How it is measured and how to read the tables stands in
[bench/README.md](../bench/README.md), in short: a core for the server and another for the load, or one for both where the case says so, all servers in turn and
round after round, user and kernel time of the server's processes divided by the work that was completed, medians, and the
ratio formed within each round. What was found on the way stands in [performance-notes.md](performance-notes.md).`;

function conditions(results: readonly SuiteResult[], unmeasured: readonly string[]): string {
  const machines = unique(results.map(machineLine));
  const versions = new Map<string, string[]>();
  for (const { contenders } of results)
    for (const { name, version } of contenders)
      versions.set(name, unique([...(versions.get(name) ?? []), version]));
  const absences = unique(
    results.flatMap((result) => result.absent.map((absence) => absenceLine(result, absence))),
  );
  return [
    '## Machine and versions',
    bullets(machines),
    table(
      ['server', 'version'],
      [...versions].map(([name, told]) => [name, told.join(', ')]),
    ),
    absences.length === 0 ? 'Nobody was missing.' : `Missing:\n\n${bullets(absences)}`,
    ...(unmeasured.length === 0 ? [] : [`Not measured here: ${unmeasured.join(', ')}.`]),
  ].join('\n\n');
}

function machineLine({ machine }: SuiteResult): string {
  const { processor, processors, memoryMebibytes, architecture, kernel, pinned } = machine;
  const apart = pinned === 'yes' ? 'a core each for server and load' : 'server and load share all cores';
  const gibibytes = (Number(memoryMebibytes) / 1024).toFixed(0);
  return `${processor} (${architecture}), ${processors} processors, ${gibibytes} GiB, Linux ${kernel}, ${apart}`;
}

function absenceLine({ suite }: SuiteResult, absence: SuiteResult['absent'][number]): string {
  const where = absence.case === undefined ? suite : `${suite}, ${absence.case}`;
  const [reason] = absence.reason.split('\n');
  return `${absence.contender} in ${where}: ${reason}`;
}

/** One row a case: ours, and whoever is best of the others. */
function glance(results: readonly SuiteResult[]): string {
  const rows = results.flatMap((result) => {
    const [metric] = result.metrics;
    return casesOf(result).flatMap((name) => {
      const [ours, ...others] = result.series.filter((series) => series.case === name);
      const medianOf = (series: (typeof others)[number]) => metricSummary(series, metric).median;
      const [best] = others.sort((left, right) => medianOf(left) - medianOf(right));
      if (ours === undefined || best === undefined) return [];
      const ratio = ratioTo(result, best)?.median ?? Number.NaN;
      const told = [medianOf(ours), medianOf(best)].map((median) => median.toFixed(metric.digits));
      return [[result.suite, name, metric.title, ...told, best.contender, ratio.toFixed(2)]];
    });
  });
  const heads = ['suite', 'case', 'unit', 'sluice', 'best other', 'which is', 'ours ÷ it'];
  return `## At a glance\n\n${table(heads, rows)}`;
}

function ahead(all: readonly PeerAhead[]): string {
  const parts = [
    '## Where a peer is ahead',
    `Every case, computed from the figures. *In every round* says that no round was without that difference; where it does
not, the difference is within the spread.`,
    all.length === 0 ? 'Nowhere.' : table(AHEAD_HEADS, all.map(aheadRow)),
  ];
  return parts.join('\n\n');
}

const AHEAD_HEADS = ['suite', 'case', 'peer', 'in', 'ours', 'its', 'ours ÷ its', 'in every round'];

function aheadRow({ suite, metric, ratio, isClear, ...one }: PeerAhead): string[] {
  const spread = `${ratio.median.toFixed(2)} (${ratio.min.toFixed(2)} to ${ratio.max.toFixed(2)})`;
  const figures = [one.ours, one.theirs].map((figure) => figure.toFixed(metric.digits));
  return [suite, one.case, one.peer, metric.title, ...figures, spread, isClear ? 'yes' : 'no'];
}

function suiteSection(result: SuiteResult): string {
  const { suite, title, measuredAt, settings, machine } = result;
  const { rounds, seconds } = settings;
  const when = `${measuredAt.slice(0, 10)}; ${rounds} ${rounds === 1 ? 'round' : 'rounds'} of ${seconds} s`;
  const busy = `load average before: ${machine['loadBefore'] ?? 'unknown'}`;
  return [
    `## ${suite}: ${title}`,
    `![${result.metrics[0].title}, by server](benchmarks/${suite}.svg)`,
    markdownTable(result),
    `Measured on ${when}; ${busy}.`,
  ].join('\n\n');
}

function chartOf(result: SuiteResult): BarChart {
  const [metric] = result.metrics;
  const ours = result.contenders[0]?.name;
  const groups = casesOf(result).map((name) => ({
    name,
    bars: result.series
      .filter((series) => series.case === name)
      .map((series) => {
        const { median: value, min, max } = metricSummary(series, metric);
        return { label: series.contender, value, min, max, isOurs: series.contender === ours };
      }),
  }));
  return { title: `${result.suite}: ${metric.title}, less is better`, digits: metric.digits, groups };
}

function casesOf({ series }: SuiteResult): string[] {
  return unique(series.map((each) => each.case));
}

function unique(values: readonly string[]): string[] {
  return [...new Set(values)];
}

function bullets(lines: readonly string[]): string {
  return lines.map((line) => `* ${line}`).join('\n');
}

function table(heads: readonly string[], rows: readonly (readonly string[])[]): string {
  return [heads, heads.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}
