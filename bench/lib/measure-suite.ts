/**
 * The method, for every suite the same: all servers of a case run for its whole length; each is warmed up, then they are
 * measured in turn, round after round, so that what else the machine does meets them all alike. A suite may ask for a
 * server of its own for each sample; the turns are the same.
 */
import { BenchError } from './bench-error.ts';
import { type Credentials, createCredentials } from './credentials.ts';
import { type Absence, findContenders, type PresentContender } from './find-contenders.ts';
import { type Machine, machine } from './machine.ts';
import { choosePinning, pinningOf } from './pinning.ts';
import { ServerProcess } from './server-process.ts';
import type { Settings } from './settings.ts';
import type { Case, Load, Sample, Suite } from './suite.ts';
import { requireTools } from './tools.ts';

const WARM_UP_SECONDS = 2;

/** All samples of one contender in one case, a sample a round. */
export interface Series {
  readonly case: string;
  readonly contender: string;
  readonly samples: readonly Sample[];
}

export interface SuiteResult {
  readonly suite: string;
  readonly title: string;
  readonly measuredAt: string;
  readonly settings: { readonly rounds: number; readonly seconds: number };
  readonly machine: Machine;
  readonly metrics: Suite['metrics'];
  /** Who took part, ours first, with its version. */
  readonly contenders: readonly { readonly name: string; readonly version: string }[];
  /** Who did not, or not everywhere. */
  readonly absent: readonly Absence[];
  readonly series: readonly Series[];
}

/**
 * Runs every case of `suite` that `settings` ask for. A peer that fails is left out of that case, and the result says so; ours
 * is an error of the run. Rejects with the signal's reason when it is aborted; no process is left then either.
 */
export async function measureSuite(
  suite: Suite,
  settings: Settings,
  signal: AbortSignal,
): Promise<SuiteResult> {
  const { rounds, seconds, against } = settings;
  requireTools(suite.tools);
  const { present, absent } = await findContenders(suite, against);
  for (const { contender, reason } of absent) console.error(`  without ${contender}: ${reason}`);
  const pinning = choosePinning();
  if (pinning.note !== undefined) console.error(`  ${pinning.note}`);
  const where = machine(pinning);
  const credentials = await createCredentials();
  const series: Series[] = [];
  try {
    for (const name of chosenCases(suite, settings)) {
      const each = caseOf(name, credentials);
      const load = { seconds, pinning: pinningOf(name), signal };
      const measured = await measureCase(suite, present, each, rounds, load);
      series.push(...measured.series);
      absent.push(...measured.absent);
    }
  } finally {
    await credentials.remove();
  }
  return {
    suite: suite.name,
    title: suite.title,
    measuredAt: new Date().toISOString(),
    settings: { rounds, seconds },
    machine: where,
    metrics: suite.metrics,
    contenders: present.map(({ contender, runtime }) => ({ name: contender.name, version: runtime.version })),
    absent,
    series,
  };
}

function chosenCases({ cases, largeCases = [] }: Suite, settings: Settings): readonly string[] {
  const all = settings.large ? [...cases, ...largeCases] : cases;
  return all.filter((name) => settings.cases === undefined || name.includes(settings.cases));
}

function caseOf(name: string, { files, rsaFiles }: Credentials): Case {
  if (name.startsWith('plain')) return { name, credentials: undefined };
  return { name, credentials: name.includes('RSA') ? rsaFiles : files };
}

/** A contender in one case. */
interface Running extends PresentContender {
  server: ServerProcess | undefined;
  readonly samples: Sample[];
  /** Why it is out of this case. */
  failure: string | undefined;
}

async function measureCase(
  suite: Suite,
  present: readonly PresentContender[],
  each: Case,
  rounds: number,
  load: Load,
): Promise<Pick<SuiteResult, 'series' | 'absent'>> {
  const everybody = present.map(
    (one): Running => ({ ...one, server: undefined, samples: [], failure: undefined }),
  );
  const still = () => everybody.filter(({ failure }) => failure === undefined);
  const isShared = suite.servers !== 'one-per-sample';
  try {
    if (isShared) {
      for (const one of still())
        await unlessItFails(one, one === everybody[0], load, () => start(one, each, load));
      for (const one of still())
        await unlessItFails(one, one === everybody[0], load, () => warmUp(suite, one, each, load));
    }
    for (let round = 1; round <= rounds; round += 1) {
      // Who goes first changes with each round: what the one before leaves behind (heat, a full cache) meets all.
      for (const one of rotated(still(), round)) {
        await unlessItFails(one, one === everybody[0], load, async () => {
          const sample = await sampleOf(suite, one, each, load);
          one.samples.push(sample);
          console.error(
            `  ${each.name} ${round}/${rounds} ${one.contender.name}: ${describe(suite, sample)}`,
          );
        });
        if (!isShared) await leave(one);
      }
    }
  } finally {
    await Promise.all(everybody.map(leave));
  }
  return {
    series: still().map(({ contender, samples }) => ({
      case: each.name,
      contender: contender.name,
      samples,
    })),
    absent: everybody.flatMap(({ contender, failure }) =>
      failure === undefined ? [] : [{ contender: contender.name, case: each.name, reason: failure }],
    ),
  };
}

/** As it will be loaded: by runs that begin and end. */
async function warmUp(suite: Suite, one: Running, each: Case, load: Load): Promise<void> {
  const seconds = suite.warmUpSeconds ?? WARM_UP_SECONDS;
  const runs = Math.max(1, Math.ceil(seconds / 2));
  for (let run = 0; run < runs; run += 1)
    await sampleOf(suite, one, each, { ...load, seconds: seconds / runs });
}

async function sampleOf(suite: Suite, one: Running, each: Case, load: Load): Promise<Sample> {
  await start(one, each, load);
  return suite.measure(one.server as ServerProcess, each, load);
}

async function start(one: Running, each: Case, { pinning, signal }: Load): Promise<void> {
  const command = () => [...pinning.server, ...one.contender.command(each, one.runtime.program)];
  one.server ??= await ServerProcess.start(one.contender.name, command(), signal);
}

async function leave(one: Running): Promise<void> {
  await one.server?.stop();
  one.server = undefined;
}

/** What a peer cannot do is told instead of its figures; what ours cannot do ends the run. */
async function unlessItFails(
  one: Running,
  isOurs: boolean,
  { signal }: Load,
  step: () => Promise<unknown>,
): Promise<void> {
  try {
    await step();
  } catch (thrown) {
    if (isOurs || signal.aborted || !(thrown instanceof BenchError)) throw thrown;
    one.failure = thrown.message.trim();
    console.error(`  without ${one.contender.name}: ${one.failure}`);
    await leave(one);
  }
}

function rotated<T>(items: readonly T[], by: number): T[] {
  const start = by % items.length;
  return [...items.slice(start), ...items.slice(0, start)];
}

function describe({ metrics }: Suite, sample: Sample): string {
  return metrics.map(({ name, title, digits }) => `${told(sample[name], digits)} ${title}`).join(', ');
}

/** Not every case has every figure. */
function told(value: number | undefined, digits: number): string {
  return value === undefined || Number.isNaN(value) ? '–' : value.toFixed(digits);
}
