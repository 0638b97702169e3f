/** Connections that say nothing: what each of them costs in memory, and all of them in CPU. */
import { setTimeout as delay } from 'node:timers/promises';
import { BenchError } from '../lib/bench-error.ts';
import { withDescriptors } from '../lib/descriptors.ts';
import { LoadProcess } from '../lib/load-process.ts';
import type { Runtime } from '../lib/runtime.ts';
import { runningNode, sluice } from '../lib/runtimes.ts';
import type { ServerProcess } from '../lib/server-process.ts';
import type { Case, Contender, Load, Sample, Suite } from '../lib/suite.ts';
import { TELLS_MEMORY, typescriptProgram } from '../lib/typescript-program.ts';

interface Counts {
  readonly connections: number;
  /**
   * Open before memory is looked at first. They take the room that starting up has left in the heap, some megabytes more or
   * less from run to run, which would otherwise be part of the figure.
   */
  readonly first: number;
}

const PLAIN: Counts = { connections: 10_000, first: 5_000 };
/** A handshake costs the client a hundred times what a connect does. */
const TLS: Counts = { connections: 2_000, first: 1_000 };
/** Connections, and what a process has open besides. */
const DESCRIPTORS = PLAIN.first + PLAIN.connections + 500;
/** The kernel counts CPU time in hundredths of a second: a hundredth of a core takes a while to be seen. */
const CPU_SECONDS = 10;
/** V8 uses the first silence to collect garbage, and to give memory back. */
const SILENCE_MS = 10_000;

export const idle: Suite = {
  name: 'idle',
  title: `idle connections: ${told(PLAIN)} plain, ${told(TLS)} over TLS`,
  tools: {},
  cases: ['plain', 'tls'],
  metrics: [
    { name: 'residentBytes', title: 'resident bytes/connection', digits: 0 },
    { name: 'heapBytes', title: 'JavaScript heap bytes/connection', digits: 0 },
    { name: 'cpuPercent', title: 'CPU % of a core', digits: 2 },
  ],
  contenders: [
    contender('sluice', sluice, 'examples/echo.ts'),
    contender('node', runningNode, 'bench/servers/node-echo.ts'),
  ],
  // What an earlier round has left in the heap would be part of the next one's figure.
  servers: 'one-per-sample',
  measure,
};

function contender(name: string, runtime: Runtime, file: string): Contender {
  const command = (each: Case) => [
    ...withDescriptors(DESCRIPTORS),
    ...typescriptProgram(file, each, TELLS_MEMORY),
  ];
  return { name, runtime, command };
}

function told({ connections }: Counts): string {
  return connections.toLocaleString('en');
}

async function measure(server: ServerProcess, { credentials }: Case, load: Load): Promise<Sample> {
  const counts = credentials === undefined ? PLAIN : TLS;
  const { connections } = counts;
  const sealed = credentials === undefined ? [] : ['tls'];
  const first = await openConnections(server, [`${counts.first}`, ...sealed], load);
  try {
    const before = await server.memory();
    const clients = await openConnections(server, [`${connections}`, ...sealed], load);
    try {
      // At once: what V8 gives back in a silence it gives back of everything.
      const after = await server.memory();
      const each = (name: 'residentBytes' | 'heapBytes') => (after[name] - before[name]) / connections;
      await first.stop();
      const cpuPercent = await idleCpuPercent(server, load.signal);
      const { open } = await clients.ask<{ open: number }>('open');
      if (open !== connections) throw new BenchError(`the server closed ${connections - open} connections`);
      return { residentBytes: each('residentBytes'), heapBytes: each('heapBytes'), cpuPercent };
    } finally {
      await clients.stop();
    }
  } finally {
    await first.stop();
  }
}

async function openConnections(
  server: ServerProcess,
  args: readonly string[],
  load: Load,
): Promise<LoadProcess> {
  const clients = new LoadProcess('idle', [...server.endpoint, ...args], load, withDescriptors(DESCRIPTORS));
  try {
    await clients.says<{ open: number }>();
    return clients;
  } catch (thrown) {
    await clients.stop();
    throw thrown;
  }
}

async function idleCpuPercent(server: ServerProcess, signal: AbortSignal): Promise<number> {
  await delay(SILENCE_MS, undefined, { signal });
  const before = server.cpuSeconds();
  await delay(CPU_SECONDS * 1000, undefined, { signal });
  return ((server.cpuSeconds() - before) / CPU_SECONDS) * 100;
}
