/**
 * `npm run bench -- profile [SUITE…]`: the counts of each suite to `results/profile/SUITE.json`, a flame graph of some to
 * `docs/profile/SUITE.svg`, and `docs/profile.md` from all that there are.
 */
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { BenchError } from './bench-error.ts';
import { createCredentials } from './credentials.ts';
import { flameGraph } from './flame-graph.ts';
import { choosePinning } from './pinning.ts';
import { profilePage } from './profile-page.ts';
import { profileSuite, type SuiteProfile } from './profile-suite.ts';
import { PROFILED_UNITS } from './profiled-units.ts';
import { recordStacks } from './record-stacks.ts';
import type { Suite } from './suite.ts';
import { requireTools } from './tools.ts';
import { ROOT } from './typescript-program.ts';

const DOCS = fileURLToPath(new URL('docs/', ROOT));
const RESULTS = fileURLToPath(new URL('../results/profile/', import.meta.url));

/** The suites with a flame graph, and the case that it is of. */
const GRAPHED: Readonly<Record<string, string>> = {
  http: 'plain, 64 connections',
  https: 'tls, 64 connections',
};

/** What may stand where the name of a suite does: the flame graphs alone, and nothing but the page written anew. */
const PARTS: readonly string[] = ['graphs', 'report'];

/** Of `suites` and the graphs, all where none is named. Resolves with the path of the page. */
export async function runProfile(
  suites: readonly Suite[],
  names: readonly string[],
  seconds: number,
  signal: AbortSignal,
): Promise<string> {
  const profiled = suites.filter(({ name }) => PROFILED_UNITS[name] !== undefined);
  const unknown = names.find(
    (name) => !PARTS.includes(name) && !profiled.some((suite) => suite.name === name),
  );
  if (unknown !== undefined) {
    const known = profiled.map(({ name }) => name).join(', ');
    throw new BenchError(`there is no profile of "${unknown}". There are: ${known}; and ${PARTS.join(', ')}`);
  }
  const isWanted = (name: string) => names.length === 0 || names.includes(name);
  await mkdir(RESULTS, { recursive: true });
  for (const suite of profiled.filter(({ name }) => isWanted(name))) {
    console.error(`${suite.name}: counts`);
    const profile = await profileSuite(suite, seconds, signal);
    await writeFile(join(RESULTS, `${suite.name}.json`), `${JSON.stringify(profile, null, 2)}\n`);
  }
  if (isWanted('graphs')) await drawGraphs(profiled, seconds, signal);
  return writePage(profiled.map(({ name }) => name));
}

async function drawGraphs(suites: readonly Suite[], seconds: number, signal: AbortSignal): Promise<void> {
  requireTools({ perf: 'linux-perf' });
  const credentials = await createCredentials();
  await mkdir(join(DOCS, 'profile'), { recursive: true });
  try {
    for (const suite of suites) {
      const name = GRAPHED[suite.name];
      if (name === undefined) continue;
      console.error(`${suite.name}: flame graph`);
      const each = { name, credentials: name.startsWith('plain') ? undefined : credentials.files };
      const stacks = await recordStacks(suite, each, { seconds, pinning: choosePinning(), signal });
      const text = flameGraph(`${suite.name}, ${name}: CPU time of the server`, stacks);
      await writeFile(join(DOCS, 'profile', `${suite.name}.svg`), text);
    }
  } finally {
    await credentials.remove();
  }
}

/** From what was profiled last of each of `suites`, in that order. */
async function writePage(suites: readonly string[]): Promise<string> {
  const files = new Set(await readdir(RESULTS));
  const known = suites.filter((name) => files.has(`${name}.json`));
  const profiles = await Promise.all(
    known.map(
      async (name) => JSON.parse(await readFile(join(RESULTS, `${name}.json`), 'utf8')) as SuiteProfile,
    ),
  );
  const drawn = await readdir(join(DOCS, 'profile')).catch(() => []);
  const graphs = new Set(drawn.map((file) => file.replace(/\.svg$/, '')));
  const path = join(DOCS, 'profile.md');
  await writeFile(path, profilePage(profiles, graphs));
  return path;
}
