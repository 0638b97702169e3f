/** Connections that say nothing: what each of them costs in memory, and all of them in CPU. */
import { setTimeout as delay } from 'node:timers/promises';
import { BenchError } from '../lib/bench-error.ts';
import { IdleConnections, MORE_DESCRIPTORS } from '../lib/idle-connections.ts';
import { byHaproxy, byNginx, nodes, onBun, onDeno, ours, roomy } from '../lib/peers.ts';
import { settledResidentBytes } from '../lib/resident-memory.ts';
import type { ServerMemory, ServerProcess } from '../lib/server-process.ts';
import type { Case, Contender, Load, Sample, Suite } from '../lib/suite.ts';
import { TELLS_MEMORY } from '../lib/typescript-program.ts';

interface Counts {
  readonly connections: number;
  /**
   * Open before memory is looked at first. They take the room that starting up has left in the heap, some megabytes more or
   * less from run to run, which would otherwise be part of the figure.
   */
  readonly first: number;
}

const CASES: Readonly<Record<string, Counts>> = {
  plain: { connections: 10_000, first: 5_000 },
  // A handshake costs the client a hundred times what a connect does.
  tls: { connections: 2_000, first: 1_000 },
};
const LARGE_CASES: Readonly<Record<string, Counts>> = {
  // What 20,000 descriptors, to which a container may be held, are enough for.
  'tls, 18,000': { connections: 18_000, first: 1_000 },
  'plain, 20,000': { connections: 20_000, first: 5_000 },
  'tls, 20,000': { connections: 20_000, first: 1_000 },
};
/** The kernel counts CPU time in hundredths of a second: a hundredth of a core takes a while to be seen. */
const CPU_SECONDS = 10;
/** V8 uses the first silence to collect garbage, and to give memory back. */
const SILENCE_MS = 10_000;

const ANSWER = 'Hello, World!';

export const idle: Suite = {
  name: 'idle',
  title: `idle connections: ${told('plain')} plain, ${told('tls')} over TLS`,
  tools: {},
  cases: Object.keys(CASES),
  largeCases: Object.keys(LARGE_CASES),
  metrics: [
    { name: 'residentBytes', title: 'resident bytes/connection', digits: 0 },
    { name: 'heapBytes', title: 'JavaScript heap bytes/connection', digits: 0 },
    { name: 'cpuPercent', title: 'CPU % of a core', digits: 2, better: 'less' },
  ],
  contenders: [
    withRoom(ours('bench/servers/sluice-silent.ts', () => [], TELLS_MEMORY)),
    ...nodes('bench/servers/node-echo.ts', () => [], TELLS_MEMORY).map(withRoom),
    withRoom(onBun('bun-echo.mjs')),
    withRoom(onDeno('deno-echo.mjs')),
    roomy(
      byNginx((each) => ['--answer', ANSWER, '--connections', `${mostOfNginx(each)}`]),
      (each) => mostOfNginx(each) + MORE_DESCRIPTORS,
    ),
    // It wants two for every connection that it may have, for there is mostly a server behind it.
    roomy(
      byHaproxy((each) => ['--answer', ANSWER, '--connections', `${most(each)}`]),
      (each) => 2 * descriptors(each),
    ),
  ],
  // What an earlier round has left in the heap would be part of the next one's figure.
  servers: 'one-per-sample',
  measure,
};

function withRoom(contender: Contender): Contender {
  return roomy(contender, descriptors);
}

function told(name: string): string {
  return countsOf({ name }).connections.toLocaleString('en');
}

function countsOf({ name }: Pick<Case, 'name'>): Counts {
  const counts = CASES[name] ?? LARGE_CASES[name];
  if (counts === undefined) throw new TypeError(`no case is called "${name}"`);
  return counts;
}

/** As many as are ever open at once, and some to spare. */
function most(each: Case): number {
  const { connections, first } = countsOf(each);
  return connections + first + 100;
}

/** With less than a sixteenth of them free it closes those that have been silent for longest. */
function mostOfNginx(each: Case): number {
  return Math.ceil((most(each) * 16) / 15);
}

function descriptors(each: Case): number {
  return most(each) + MORE_DESCRIPTORS;
}

async function measure(server: ServerProcess, each: Case, load: Load): Promise<Sample> {
  const counts = countsOf(each);
  const { connections } = counts;
  const open = (count: number) => IdleConnections.open(server, each, count, load);
  const first = await open(counts.first);
  try {
    const before = await memoryOf(server, load.signal);
    const clients = await open(connections);
    try {
      // At once: what V8 gives back in a silence it gives back of everything.
      const after = await memoryOf(server, load.signal);
      const per = (name: 'residentBytes' | 'heapBytes') => (after[name] - before[name]) / connections;
      await first.stop();
      const cpuPercent = await idleCpuPercent(server, load.signal);
      const left = await clients.left();
      if (left !== connections) throw new BenchError(`the server closed ${connections - left} connections`);
      return { residentBytes: per('residentBytes'), heapBytes: per('heapBytes'), cpuPercent };
    } finally {
      await clients.stop();
    }
  } finally {
    await first.stop();
  }
}

/** Of a server on Node after collecting its garbage; of the others what they hold when it falls no more. */
async function memoryOf(server: ServerProcess, signal: AbortSignal): Promise<ServerMemory> {
  if (server.name === 'sluice' || server.name.startsWith('node')) return server.memory();
  return { residentBytes: await settledResidentBytes(server.pid, signal), heapBytes: Number.NaN };
}

async function idleCpuPercent(server: ServerProcess, signal: AbortSignal): Promise<number> {
  await delay(SILENCE_MS, undefined, { signal });
  const before = server.cpuSeconds();
  await delay(CPU_SECONDS * 1000, undefined, { signal });
  return ((server.cpuSeconds() - before) / CPU_SECONDS) * 100;
}
