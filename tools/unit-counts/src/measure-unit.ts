/**
 * The method: warm up, then a few windows of the same number of units, and of each count the least.
 *
 * Rule: what a window has beyond that is somebody else's: a function that V8 has just compiled, a timer that came due, an
 * answer that the client took in two parts. What a unit costs is in every one of them.
 */

import { type CountSnapshot, difference, type Tally } from './count-table.ts';
import type { CountedServer } from './counted-server.ts';
import type { Unit } from './units.ts';

export interface UnitPlan {
  /** Units before anything counts: until V8 has compiled what they run through. */
  readonly warmUp: number;
  /** Units in a window. */
  readonly units: number;
  readonly windows: number;
}

/** All of one unit. */
export interface UnitCosts {
  readonly calls: Tally;
  readonly memoryCalls: Tally;
  readonly ofOtherThreads: Tally;
  /** Calls into the addon. */
  readonly crossings: Tally;
  /** Blocks asked of malloc(3) by the main thread, and their bytes. */
  readonly allocations: number;
  readonly allocatedBytes: number;
  /** What JavaScript has allocated, objects and their parts. */
  readonly heapBytes: number;
}

/** Runs `unit` on `server`, whose calls are wrapped afterwards: measure it once in a process. */
export async function measureUnit(server: CountedServer, unit: Unit, plan: UnitPlan): Promise<UnitCosts> {
  await repeat(unit, plan.warmUp);
  const questions = await medianOf(plan.windows, () => heapBytesDuring(server, async () => undefined));
  const windows: Window[] = [];
  for (let window = 0; window < plan.windows; window += 1)
    windows.push(await measureWindow(server, unit, plan));
  const crossings = await leastCrossings(server, unit, plan);
  const perUnit = (tally: Tally) => scaled(tally, 1 / plan.units);
  const least = (of: (counts: CountSnapshot) => Tally) =>
    perUnit(leastTally(windows.map(({ counts }) => of(counts))));
  const heap = least((counts) => counts.heap);
  return {
    calls: least((counts) => counts.calls),
    memoryCalls: least((counts) => counts.memoryCalls),
    ofOtherThreads: least((counts) => counts.ofOtherThreads),
    crossings: perUnit(crossings),
    allocations: heap['allocations'] ?? 0,
    allocatedBytes: heap['allocated bytes'] ?? 0,
    heapBytes: (Math.min(...windows.map(({ heapBytes }) => heapBytes)) - questions) / plan.units,
  };
}

interface Window {
  readonly counts: CountSnapshot;
  readonly heapBytes: number;
}

async function measureWindow(server: CountedServer, unit: Unit, { units }: UnitPlan): Promise<Window> {
  let counts: CountSnapshot | undefined;
  const heapBytes = await heapBytesDuring(server, async () => {
    const before = server.counts();
    await repeat(unit, units);
    counts = difference(before, server.counts());
  });
  if (counts === undefined) throw new TypeError('a window was left before its end');
  return { counts, heapBytes };
}

async function heapBytesDuring(server: CountedServer, action: () => Promise<void>): Promise<number> {
  const before = await server.heapBytes();
  await action();
  return (await server.heapBytes()) - before;
}

async function leastCrossings(
  server: CountedServer,
  unit: Unit,
  { units, windows }: UnitPlan,
): Promise<Tally> {
  await server.crossings();
  const tallies: Tally[] = [];
  for (let window = 0; window < windows; window += 1) {
    await repeat(unit, units);
    tallies.push(await server.crossings());
  }
  return leastTally(tallies);
}

async function repeat(unit: Unit, times: number): Promise<void> {
  for (let time = 0; time < times; time += 1) await unit.run();
}

/** Not the least: where the sweeping behind a collection falls into it, asking seems to cost less than nothing. */
async function medianOf(times: number, measure: () => Promise<number>): Promise<number> {
  const measured: number[] = [];
  for (let time = 0; time < times; time += 1) measured.push(await measure());
  return measured.sort((left, right) => left - right)[Math.floor(times / 2)] ?? Number.NaN;
}

/** A count that some window was without is 0 in it. */
function leastTally(tallies: readonly Tally[]): Tally {
  const names = Object.keys(Object.assign({}, ...tallies) as Tally);
  const least = names.map((name) => [name, Math.min(...tallies.map((tally) => tally[name] ?? 0))] as const);
  return Object.fromEntries(least.filter(([, count]) => count > 0));
}

function scaled(tally: Tally, factor: number): Tally {
  return Object.fromEntries(Object.entries(tally).map(([name, count]) => [name, count * factor]));
}
