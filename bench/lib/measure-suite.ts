/**
 * The method, for every suite the same: all servers of a case run for its whole length; each is warmed up, then they are
 * measured in turn, round after round, so that what else the machine does meets them all alike. A suite may ask for a
 * server of its own for each sample; the turns are the same.
 */
import { arch, cpus, release } from 'node:os';
import { createCredentials } from './credentials.ts';
import { choosePinning, type Pinning } from './pinning.ts';
import { ServerProcess } from './server-process.ts';
import type { Settings } from './settings.ts';
import type { Case, Contender, CredentialFiles, Load, Sample, Suite } from './suite.ts';
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
  readonly machine: Readonly<Record<string, string | number>>;
  readonly metrics: Suite['metrics'];
  readonly series: readonly Series[];
}

/** Runs every case of `suite`. Rejects with the signal's reason when it is aborted; no process is left then either. */
export async function measureSuite(
  suite: Suite,
  { rounds, seconds }: Settings,
  signal: AbortSignal,
): Promise<SuiteResult> {
  requireTools(suite.tools);
  const pinning = choosePinning();
  if (pinning.note !== undefined) console.error(`  ${pinning.note}`);
  const credentials = await createCredentials();
  const series: Series[] = [];
  try {
    for (const name of suite.cases) {
      const each = caseOf(name, credentials.files);
      series.push(...(await measureCase(suite, each, rounds, { seconds, pinning, signal })));
    }
  } finally {
    await credentials.remove();
  }
  const { name, title, metrics } = suite;
  const measuredAt = new Date().toISOString();
  const settings = { rounds, seconds };
  return { suite: name, title, measuredAt, settings, machine: machine(pinning), metrics, series };
}

function caseOf(name: string, files: CredentialFiles): Case {
  return { name, credentials: name.startsWith('plain') ? undefined : files };
}

async function measureCase(suite: Suite, each: Case, rounds: number, load: Load): Promise<Series[]> {
  const running = suite.contenders.map((contender) => ({
    contender,
    server: undefined as ServerProcess | undefined,
    samples: [] as Sample[],
  }));
  const start = ({ name, command }: Contender) =>
    ServerProcess.start(name, [...load.pinning.server, ...command(each)], load.signal);
  const isShared = suite.servers !== 'one-per-sample';
  try {
    if (isShared) {
      for (const one of running) one.server = await start(one.contender);
      const warmUp = { ...load, seconds: suite.warmUpSeconds ?? WARM_UP_SECONDS };
      for (const { server } of running) if (server !== undefined) await suite.measure(server, each, warmUp);
    }
    for (let round = 1; round <= rounds; round += 1) {
      // Who goes first changes with each round: what the one before leaves behind (heat, a full cache) meets all.
      for (const one of rotated(running, round)) {
        one.server ??= await start(one.contender);
        const sample = await suite.measure(one.server, each, load);
        one.samples.push(sample);
        console.error(`  ${each.name} ${round}/${rounds} ${one.contender.name}: ${describe(suite, sample)}`);
        if (isShared) continue;
        await one.server.stop();
        one.server = undefined;
      }
    }
  } finally {
    await Promise.all(running.map(({ server }) => server?.stop()));
  }
  return running.map(({ contender, samples }) => ({ case: each.name, contender: contender.name, samples }));
}

function rotated<T>(items: readonly T[], by: number): T[] {
  const start = by % items.length;
  return [...items.slice(start), ...items.slice(0, start)];
}

function describe({ metrics }: Suite, sample: Sample): string {
  return metrics.map(({ name, title, digits }) => `${sample[name]?.toFixed(digits)} ${title}`).join(', ');
}

function machine(pinning: Pinning): SuiteResult['machine'] {
  const processors = cpus();
  return {
    processor: processors[0]?.model ?? 'unknown',
    processors: processors.length,
    architecture: arch(),
    kernel: release(),
    node: process.versions.node,
    pinned: pinning.note === undefined ? 'yes' : 'no',
  };
}
