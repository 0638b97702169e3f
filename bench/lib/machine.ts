/** The machine that a result was measured on, as far as figures depend on it. */
import { arch, cpus, loadavg, release, totalmem } from 'node:os';
import type { Pinning } from './pinning.ts';

export type Machine = Readonly<Record<string, string | number>>;

/** Call it before anything is started: the load is what others do. */
export function machine(pinning: Pinning): Machine {
  const processors = cpus();
  return {
    processor: processors[0]?.model ?? 'unknown',
    processors: processors.length,
    memoryMebibytes: Math.round(totalmem() / 2 ** 20),
    architecture: arch(),
    // What a distributor adds behind the version says nothing to others.
    kernel: release().split('-')[0] ?? '',
    node: process.versions.node,
    pinned: pinning.note === undefined ? 'yes' : 'no',
    loadBefore: Number((loadavg()[0] ?? 0).toFixed(2)),
  };
}
