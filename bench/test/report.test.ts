import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';
import { type Bar, barChart } from '../lib/bar-chart.ts';
import { BenchError } from '../lib/bench-error.ts';
import { benchmarksPage } from '../lib/benchmarks-page.ts';
import type { SuiteResult } from '../lib/measure-suite.ts';
import { peersAhead } from '../lib/peers-ahead.ts';
import { readResults } from '../lib/result-file.ts';
import { writeReport } from '../lib/write-report.ts';
import { SUITES } from '../suites/index.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const FIXED = fileURLToPath(new URL('fixtures/', import.meta.url));

const folders: string[] = [];

function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-report-'));
  folders.push(folder);
  return folder;
}

afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

/** Two rounds of figures that were made up: `fixtures/made-up.json`. */
async function fixed(): Promise<SuiteResult> {
  const [result] = await readResults(['made-up'], FIXED);
  if (result === undefined) throw new Error('the fixture is gone');
  return result;
}

describe('where a peer is ahead', () => {
  it('is every metric of every case that says which way is ahead, and nothing else', async () => {
    const all = peersAhead([await fixed()]);
    expect(all.map((one) => [one.metric.name, one.case, one.peer, one.isClear])).toEqual([
      // Cheaper in both rounds, and dearer in one but not in the middle.
      ['cpu', 'plain', 'fast', true],
      ['cpu', 'tls', 'fast', false],
      // Of these more is better; the slow one is not ahead.
      ['rate', 'plain', 'fast', true],
    ]);
  });

  it('tells ours, theirs and the ratio, formed in each round', async () => {
    const [first] = peersAhead([await fixed()]);
    expect(first).toMatchObject({ suite: 'made-up', ours: 12, theirs: 9 });
    expect(first?.ratio.min).toBeCloseTo(1.25);
    expect(first?.ratio.max).toBeCloseTo(14 / 10);
  });

  it('is nowhere when nobody is', () => {
    expect(peersAhead([])).toEqual([]);
  });
});

describe('the page', () => {
  it('says machine, versions, who was missing, what was not measured, and where a peer is ahead', async () => {
    const { markdown } = benchmarksPage([await fixed()], ['idle']);
    for (const line of [
      '* Some Processor (x64), 2 processors, 8 GiB, Linux 6.1.0, a core each for server and load',
      '| fast | Fast 1.2.3 |',
      '* gone in made-up: there is no Gone for x64',
      '* slow in made-up, tls: it answered nonsense',
      'Not measured here: idle.',
      '| made-up | plain | µs | 12.0 | 9.0 | fast | 1.32 |',
      '| made-up | plain | fast | µs | 12.0 | 9.0 | 1.32 (1.25 to 1.40) | yes |',
      '| made-up | tls | fast | µs | 21.0 | 20.0 | 1.05 (0.95 to 1.15) | no |',
      '| made-up | plain | fast | per s | 100 | 200 | 0.50 (0.50 to 0.50) | yes |',
      '![µs, by server](benchmarks/made-up.svg)',
      'Measured on 2026-01-02; 2 rounds of 3 s; load average before: 0.25.',
    ]) {
      expect(markdown.split('\n')).toContain(line);
    }
  });

  it('says so when nobody is missing or ahead', async () => {
    const result = await fixed();
    const alone = {
      ...result,
      absent: [],
      series: result.series.filter((each) => each.contender === 'ours'),
    };
    const { markdown } = benchmarksPage([alone]);
    expect(markdown).toContain('\nNobody was missing.\n');
    expect(markdown).toContain('\nNowhere.\n');
    expect(markdown).not.toContain('Not measured here');
  });

  it('is the same for the same results, charts included', async () => {
    const pages = [benchmarksPage([await fixed()]), benchmarksPage([await fixed()])];
    expect(pages[1]).toEqual(pages[0]);
    expect([...(pages[0]?.charts.keys() ?? [])]).toEqual(['made-up.svg']);
  });

  it('in this repository is what its results say: npm run bench -- report writes it', async () => {
    const docs = temporaryFolder();
    await writeReport(
      SUITES.map(({ name }) => name),
      { docs },
    );
    const read = (folder: string, file: string) => readFileSync(join(folder, file), 'utf8');
    expect(read(join(ROOT, 'docs'), 'benchmarks.md')).toBe(read(docs, 'benchmarks.md'));
    const charts = readdirSync(join(docs, 'benchmarks'));
    expect(readdirSync(join(ROOT, 'docs', 'benchmarks'))).toEqual(charts);
    for (const chart of charts)
      expect(read(join(ROOT, 'docs', 'benchmarks'), chart)).toBe(read(join(docs, 'benchmarks'), chart));
  });
});

describe('results', () => {
  it('that were never measured leave nothing, and no report', async () => {
    expect(await readResults(['made-up', 'other'], temporaryFolder())).toEqual([]);
    const report = writeReport(['other'], { docs: temporaryFolder(), results: temporaryFolder() });
    await expect(report).rejects.toThrowError(BenchError);
    await expect(report).rejects.toThrowError('there are no results to report: npm run bench measures');
  });

  it('of an older benchmark are refused, not guessed at', async () => {
    const folder = temporaryFolder();
    writeFileSync(join(folder, 'old.json'), '{ "suite": "old", "series": [] }');
    await expect(readResults(['old'], folder)).rejects.toThrowError(BenchError);
    await expect(readResults(['old'], folder)).rejects.toThrowError(/old\.json is of an older benchmark/);
  });

  it('of a suite that is gone leave no chart behind', async () => {
    const docs = temporaryFolder();
    await writeReport(['made-up'], { docs, results: FIXED });
    writeFileSync(join(docs, 'benchmarks', 'gone.svg'), '');
    await writeReport(['made-up'], { docs, results: FIXED });
    expect(readdirSync(join(docs, 'benchmarks'))).toEqual(['made-up.svg']);
  });
});

describe('a chart', () => {
  const bar = (label: string, value: number): Bar => ({
    label,
    value,
    min: value / 2,
    max: value * 2,
    isOurs: label === 'ours',
  });

  it('scales each group by its own largest, and says every figure', () => {
    const svg = barChart({
      title: 'µs & <more>',
      digits: 1,
      groups: [
        { name: 'small', bars: [bar('ours', 1), bar('theirs', 2)] },
        { name: 'large', bars: [bar('ours', 100), bar('theirs', 200)] },
      ],
    });
    const widths = [...svg.matchAll(/<rect class="(\w+)".* width="([\d.]+)"/g)].map((one) => one.slice(1));
    // 490 is all that there is for a bar and its spread.
    const group = [
      ['ours', '122.5'],
      ['theirs', '245.0'],
    ];
    expect(widths).toEqual([...group, ...group]);
    for (const figure of ['>1.0<', '>2.0<', '>100.0<', '>200.0<']) expect(svg).toContain(figure);
    expect(svg).toContain('<title>µs &amp; &lt;more&gt;</title>');
    expect(svg).toContain('prefers-color-scheme: dark');
  });

  it('leaves out a bar that has no figure', () => {
    const svg = barChart({
      title: '',
      digits: 0,
      groups: [{ name: 'one', bars: [bar('theirs', Number.NaN)] }],
    });
    expect(svg).not.toContain('<rect');
    expect(svg).not.toContain('NaN');
  });
});
