/**
 * The method, for every suite the same: all servers of a case run for its whole length; each is warmed up, then they are
 * measured in turn, round after round, so that what else the machine does meets them all alike.
 */
import { arch, cpus, release } from 'node:os';
import { createCredentials } from './credentials.ts';
import { choosePinning, type Pinning } from './pinning.ts';
import { ServerProcess } from './server-process.ts';
import type { Settings } from './settings.ts';
import type { Case, CredentialFiles, Load, Sample, Suite } from './suite.ts';
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

function caseOf(name: 'plain' | 'tls', files: CredentialFiles): Case {
  return { name, credentials: name === 'tls' ? files : undefined };
}

async function measureCase(suite: Suite, each: Case, rounds: number, load: Load): Promise<Series[]> {
  const running: { contender: string; server: ServerProcess; samples: Sample[] }[] = [];
  try {
    for (const contender of suite.contenders) {
      const command = [...load.pinning.server, ...contender.command(each)];
      const server = await ServerProcess.start(contender.name, command, load.signal);
      running.push({ contender: contender.name, server, samples: [] });
    }
    for (const { server } of running)
      await suite.measure(server, each, { ...load, seconds: WARM_UP_SECONDS });
    for (let round = 1; round <= rounds; round += 1) {
      // Who goes first changes with each round: what the one before leaves behind (heat, a full cache) meets all.
      for (const { contender, server, samples } of rotated(running, round)) {
        const sample = await suite.measure(server, each, load);
        samples.push(sample);
        console.error(`  ${each.name} ${round}/${rounds} ${contender}: ${describe(suite, sample)}`);
      }
    }
  } finally {
    await Promise.all(running.map(({ server }) => server.stop()));
  }
  return running.map(({ contender, samples }) => ({ case: each.name, contender, samples }));
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
