/**
 * What a unit of work of a suite costs our server in counts: one unit after another on one connection, where every figure is
 * exact, and under the suite's own load, where what a turn of the loop costs is shared by many.
 *
 * Rule: counts only. What it takes in time is the suite's to measure.
 */
import {
  CountedServer,
  type CountSnapshot,
  counting,
  difference,
  measureUnit,
  type UnitCosts,
} from '@sluice-internal/unit-counts';
import { type Credentials, createCredentials } from './credentials.ts';
import { type Machine, machine } from './machine.ts';
import { choosePinning, pinningOf } from './pinning.ts';
import { PROFILED_UNITS, type ProfiledUnit } from './profiled-units.ts';
import { ServerProcess } from './server-process.ts';
import type { Case, Load, Suite } from './suite.ts';
import { requireTools } from './tools.ts';

/** Of one unit, under the load of a case. */
export interface LoadedCosts {
  readonly case: string;
  /** How many were counted. */
  readonly units: number;
  readonly counts: CountSnapshot;
}

/** One unit after another, in a case of the suite. */
export interface SingleCosts {
  readonly case: string;
  readonly costs: UnitCosts;
}

export interface SuiteProfile {
  readonly suite: string;
  readonly measuredAt: string;
  readonly machine: Machine;
  /** What a unit is: the heading of the suite's first metric, behind its unit. */
  readonly unit: string;
  readonly single: readonly SingleCosts[];
  readonly loaded: readonly LoadedCosts[];
}

const WARM_UP_SECONDS = 2;

/** Rejects with {@link BenchError}, or whatever a server says, when it fails in a case. */
export async function profileSuite(
  suite: Suite,
  seconds: number,
  signal: AbortSignal,
): Promise<SuiteProfile> {
  requireTools(suite.tools);
  const pinning = choosePinning();
  const where = machine(pinning);
  const credentials = await createCredentials();
  const single: SingleCosts[] = [];
  const loaded: LoadedCosts[] = [];
  try {
    for (const unit of PROFILED_UNITS[suite.name] ?? []) {
      signal.throwIfAborted();
      single.push(await profileUnit(suite, unit, caseOf(unit.case, credentials)));
      console.error(`  ${unit.case}: one unit after another`);
    }
    for (const name of suite.cases) {
      loaded.push(
        await profileLoad(suite, caseOf(name, credentials), { seconds, pinning: pinningOf(name), signal }),
      );
      console.error(`  ${name}: under load`);
    }
  } finally {
    await credentials.remove();
  }
  const unit = suite.metrics[0].title.split('/').at(-1) ?? 'unit';
  return { suite: suite.name, measuredAt: new Date().toISOString(), machine: where, unit, single, loaded };
}

function caseOf(name: string, { files, rsaFiles }: Credentials): Case {
  if (name.startsWith('plain')) return { name, credentials: undefined };
  return { name, credentials: name.includes('RSA') ? rsaFiles : files };
}

async function profileUnit(suite: Suite, { open, plan }: ProfiledUnit, each: Case): Promise<SingleCosts> {
  const [, first = '', ...rest] = suite.contenders[0].command(each, process.execPath);
  const server = await CountedServer.start([], first, rest);
  try {
    const unit = await open(server);
    const costs = await measureUnit(server, unit, plan);
    unit.close();
    return { case: each.name, costs };
  } finally {
    await server.stop();
  }
}

async function profileLoad(suite: Suite, each: Case, load: Load): Promise<LoadedCosts> {
  const { env, table, dispose } = counting();
  const command = suite.contenders[0].command(each, process.execPath);
  const variables = Object.entries(env).map(([name, value]) => `${name}=${value}`);
  try {
    const server = await ServerProcess.start(
      'sluice',
      [...load.pinning.server, 'env', ...variables, ...command],
      load.signal,
    );
    try {
      await suite.measure(server, each, { ...load, seconds: suite.warmUpSeconds ?? WARM_UP_SECONDS });
      const looks: { readonly cpuSeconds: number; readonly counts: CountSnapshot }[] = [];
      // A suite looks at the CPU time when its measurement begins and when it ends: that is when to look at the counts.
      const watched: ServerProcess = Object.assign(Object.create(server) as ServerProcess, {
        cpuSeconds: () => {
          const cpuSeconds = server.cpuSeconds();
          looks.push({ cpuSeconds, counts: table.snapshot() });
          return cpuSeconds;
        },
      });
      const sample = await suite.measure(watched, each, load);
      const [before, after] = [looks.at(0), looks.at(-1)];
      if (before === undefined || after === undefined)
        throw new TypeError(`${suite.name} looks at no CPU time`);
      // What it was divided by.
      const cpuMicros = sample[suite.metrics[0].name] ?? Number.NaN;
      const units = Math.round(((after.cpuSeconds - before.cpuSeconds) * 1e6) / cpuMicros);
      return { case: each.name, units, counts: difference(before.counts, after.counts) };
    } finally {
      await server.stop();
    }
  } finally {
    dispose();
  }
}
