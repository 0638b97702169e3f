/** Ten thousand connections that say nothing: what each of them costs in memory, and all of them in CPU. */
import { setTimeout as delay } from 'node:timers/promises';
import { BenchError } from '../lib/bench-error.ts';
import { withDescriptors } from '../lib/descriptors.ts';
import { LoadProcess } from '../lib/load-process.ts';
import type { ServerProcess } from '../lib/server-process.ts';
import type { Case, Contender, Load, Sample, Suite } from '../lib/suite.ts';
import { TELLS_MEMORY, typescriptProgram } from '../lib/typescript-program.ts';

const CONNECTIONS = 10_000;
/** Opened and closed before anything is measured, so that code and tables of the server have their size. */
const WARM_UP_CONNECTIONS = 2_000;
/** Connections, and what a process has open besides. */
const DESCRIPTORS = CONNECTIONS + 500;
/** The kernel counts CPU time in hundredths of a second: a hundredth of a core takes a while to be seen. */
const LEAST_SECONDS = 10;
const SETTLE_MS = 2_000;

export const idle: Suite = {
  name: 'idle',
  title: `${CONNECTIONS.toLocaleString('en')} idle connections`,
  tools: {},
  cases: ['plain'],
  metrics: [
    { name: 'residentBytes', title: 'resident bytes/connection', digits: 0 },
    { name: 'heapBytes', title: 'JavaScript heap bytes/connection', digits: 0 },
    { name: 'cpuPercent', title: 'CPU % of a core', digits: 2 },
  ],
  contenders: [contender('sluice', 'examples/echo.ts'), contender('node', 'bench/servers/node-echo.ts')],
  // What an earlier round has left in the heap would be part of the next one's figure.
  servers: 'one-per-sample',
  measure,
};

function contender(name: string, file: string): Contender {
  const command = (each: Case) => [
    ...withDescriptors(DESCRIPTORS),
    ...typescriptProgram(file, each, TELLS_MEMORY),
  ];
  return { name, command };
}

async function measure(server: ServerProcess, _case: Case, load: Load): Promise<Sample> {
  const warmUp = await openConnections(server, WARM_UP_CONNECTIONS, load);
  await warmUp.stop();
  await delay(SETTLE_MS);
  const before = await server.memory();
  const clients = await openConnections(server, CONNECTIONS, load);
  try {
    await delay(SETTLE_MS);
    const cpuPercent = await idleCpuPercent(server, Math.max(load.seconds, LEAST_SECONDS), load.signal);
    // Last, for the collection that goes before it takes CPU time too.
    const after = await server.memory();
    const { open } = await clients.ask<{ open: number }>('open');
    if (open !== CONNECTIONS) throw new BenchError(`the server closed ${CONNECTIONS - open} connections`);
    const each = (name: 'rss' | 'heapUsed') => (after[name] - before[name]) / CONNECTIONS;
    return { residentBytes: each('rss'), heapBytes: each('heapUsed'), cpuPercent };
  } finally {
    await clients.stop();
  }
}

async function openConnections(server: ServerProcess, count: number, load: Load): Promise<LoadProcess> {
  const clients = new LoadProcess(
    'idle',
    [...server.endpoint, `${count}`],
    load,
    withDescriptors(DESCRIPTORS),
  );
  try {
    await clients.says<{ open: number }>();
    return clients;
  } catch (thrown) {
    await clients.stop();
    throw thrown;
  }
}

async function idleCpuPercent(server: ServerProcess, seconds: number, signal: AbortSignal): Promise<number> {
  const before = server.cpuSeconds();
  await delay(seconds * 1000, undefined, { signal });
  return ((server.cpuSeconds() - before) / seconds) * 100;
}
