import { readFileSync } from 'node:fs';
import { LIFECYCLE } from '../../src/lifecycle.ts';
import { READ_HALF } from '../../src/read-half.ts';
import { WRITE_HALF } from '../../src/write-half.ts';

type Table = Readonly<Record<string, Readonly<Record<string, string>>>>;

const INTRODUCTION = `# The states of a connection

<!-- Generated from the tables in packages/reactor/src; \`npx vitest run states-document -u\` writes it anew. -->

One lifecycle and two halves that move on their own. A table is the whole truth about its machine: an event that it does
not list is an error and changes nothing. What the *socket* can do is kept apart from what each *half* waits for, because
either half may want either edge.
`;

const MACHINES: readonly { title: string; source: string; table: Table }[] = [
  { title: 'Lifecycle', source: 'lifecycle.ts', table: LIFECYCLE },
  { title: 'Read half', source: 'read-half.ts', table: READ_HALF },
  { title: 'Write half', source: 'write-half.ts', table: WRITE_HALF },
];

/** `docs/states.md` as the tables and their comments say it. */
export function statesDocument(): string {
  return [INTRODUCTION, ...MACHINES.map(describeMachine)].join('\n');
}

function describeMachine({ title, source, table }: (typeof MACHINES)[number]): string {
  const meanings = meaningsIn(source);
  const rows = Object.entries(table).map(([state, exits]) => {
    const ways = Object.entries(exits).map(([event, next]) => `\`${event}\` → ${next}`);
    return `| \`${state}\` | ${meanings.get(state) ?? missing(state, source)} | ${ways.join('<br>') || 'none'} |`;
  });
  return [
    `## ${title}`,
    '',
    '| state | meaning | exits |',
    '|---|---|---|',
    ...rows,
    '',
    '```mermaid',
    'stateDiagram-v2',
    ...diagramLines(table),
    '```',
    '',
  ].join('\n');
}

function diagramLines(table: Table): string[] {
  // Mermaid takes a hyphen in a name for syntax.
  const id = (state: string) => state.replaceAll('-', '_');
  return Object.entries(table).flatMap(([state, exits]) => {
    const byNext = new Map<string, string[]>();
    for (const [event, next] of Object.entries(exits)) {
      if (next !== state) byNext.set(next, [...(byNext.get(next) ?? []), event]);
    }
    return [...byNext].map(([next, events]) => `  ${id(state)} --> ${id(next)}: ${events.join(', ')}`);
  });
}

/** The list of states in the comment above the type: `- \`state\`, \`state\`: meaning.` */
function meaningsIn(source: string): Map<string, string> {
  const text = readFileSync(new URL(`../../src/${source}`, import.meta.url), 'utf8');
  const comment = text.slice(0, text.indexOf('export type')).split('/**').at(-1) ?? '';
  const prose = comment.replace('*/', '').replaceAll(/\n \*? ?/g, '\n');
  const items = prose.split(/\n- /).slice(1);
  const meanings = new Map<string, string>();
  for (const item of items) {
    const [names = '', ...meaning] = item.replaceAll(/\s+/g, ' ').split('`: ');
    for (const name of names.matchAll(/[a-z][a-z-]*/g)) meanings.set(name[0], meaning.join('`: ').trim());
  }
  return meanings;
}

function missing(state: string, source: string): never {
  throw new Error(`${source} does not say what '${state}' means`);
}
