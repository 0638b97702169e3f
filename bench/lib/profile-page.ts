/**
 * `docs/profile.md`: the counts of each suite.
 *
 * Rule: the same profiles give the same page, and nothing in it is written by hand.
 */
import type { SuiteProfile } from './profile-suite.ts';

const INTRODUCTION = `# Profile

<!-- Written by \`npm run bench -- profile\`, from bench/results/profile: whatever is changed here is gone after the next run. -->

What a unit of work costs our server in counts, which no busy machine changes. *One after another*: on one connection, each
unit when the one before is over, exact; a handshake is a connection with its end. *Under load*: as the suite of that name
of [benchmarks.md](benchmarks.md) loads it, the mean of all units, with the opening of the connections in it where the suite
counts that too. How each is counted, and what is not seen, stands in
[bench/README.md](../bench/README.md); the ones that may not grow are held by
[\`unit-costs.test.ts\`](../examples/test/unit-costs.test.ts). What they led to stands in
[performance-notes.md](performance-notes.md).`;

/** `graphs` are the suites that have a flame graph, by name. */
export function profilePage(profiles: readonly SuiteProfile[], graphs: ReadonlySet<string>): string {
  return `${[INTRODUCTION, conditions(profiles), ...profiles.map((profile) => section(profile, graphs))].join('\n\n')}\n`;
}

function conditions(profiles: readonly SuiteProfile[]): string {
  const lines = profiles.map(({ machine }) => {
    const { processor, processors, architecture, kernel, node } = machine;
    return `* ${processor} (${architecture}), ${processors} processors, Linux ${kernel}, Node ${node}`;
  });
  return ['## Machine and versions', [...new Set(lines)].join('\n')].join('\n\n');
}

function section(profile: SuiteProfile, graphs: ReadonlySet<string>): string {
  const { suite, unit, measuredAt } = profile;
  return [
    `## ${suite}, by ${unit}`,
    ...singles(profile),
    `Under load:\n\n${underLoad(profile)}`,
    ...(graphs.has(suite) ? [`Where its CPU time goes: [flame graph](profile/${suite}.svg).`] : []),
    `Counted on ${measuredAt.slice(0, 10)}.`,
  ].join('\n\n');
}

function singles({ single }: SuiteProfile): string[] {
  if (single.length === 0) return [];
  const rows = single.map(({ case: name, costs }) => [
    name,
    calls(costs.calls),
    calls(costs.crossings),
    count(costs.heapBytes, 0),
    count(costs.allocations, 1),
    count(costs.allocatedBytes, 0),
  ]);
  const heads = [
    'one after another',
    'system calls',
    'calls into the addon',
    'bytes of JavaScript',
    'blocks of malloc',
    'bytes',
  ];
  return [table(heads, rows)];
}

function underLoad({ loaded }: SuiteProfile): string {
  const rows = loaded.map(({ case: name, units, counts }) => {
    const per = (tally: Readonly<Record<string, number>>) =>
      Object.fromEntries(Object.entries(tally).map(([call, times]) => [call, times / units]));
    const { allocations = 0, 'allocated bytes': bytes = 0 } = per(counts.heap);
    const system = calls(per({ ...counts.calls, ...counts.memoryCalls }));
    return [name, system, count(allocations, 1), count(bytes, 0), count(units, 0)];
  });
  return table(['case', 'system calls', 'blocks of malloc', 'bytes', 'units counted'], rows);
}

/** Most frequent first; what comes less than once in a hundred units is left out. */
function calls(tally: Readonly<Record<string, number>>): string {
  const told = Object.entries(tally)
    .filter(([, times]) => times >= 0.01)
    .sort(([left, most], [right, times]) => times - most || left.localeCompare(right))
    .map(([name, times]) => `${name} ${count(times, 2)}`);
  return told.length === 0 ? 'none' : told.join(', ');
}

/** With at most `digits` decimal places, and thousands apart. */
function count(value: number, digits: number): string {
  return Number(value.toFixed(digits)).toLocaleString('en-US');
}

function table(heads: readonly string[], rows: readonly (readonly string[])[]): string {
  return [heads, heads.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}
