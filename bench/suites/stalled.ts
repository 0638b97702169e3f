/** Peers that stop in the middle of their handshake: what each of them costs in memory, and whoever comes meanwhile in time. */
import { BenchError } from '../lib/bench-error.ts';
import { withDescriptors } from '../lib/descriptors.ts';
import { LoadProcess } from '../lib/load-process.ts';
import type { Runtime } from '../lib/runtime.ts';
import { runningNode, sluice } from '../lib/runtimes.ts';
import type { ServerProcess } from '../lib/server-process.ts';
import { percentile } from '../lib/statistics.ts';
import type { Case, Contender, Load, Sample, Suite } from '../lib/suite.ts';
import { TELLS_MEMORY, typescriptProgram } from '../lib/typescript-program.ts';

/** Stalled before memory is looked at first: they take the room that starting up has left. */
const FIRST = 1_000;
const CROWD = 2_000;
const NEWCOMERS = 100;
const DESCRIPTORS = FIRST + CROWD + 500;

export const stalled: Suite = {
  name: 'stalled',
  title: `${CROWD.toLocaleString('en')} peers that stop in the middle of their TLS handshake`,
  tools: {},
  cases: ['silent', 'half-hello', 'hello-1.3', 'hello-1.2', 'half-certificate'],
  metrics: [
    { name: 'residentBytes', title: 'resident bytes/peer', digits: 0 },
    { name: 'heapBytes', title: 'JavaScript heap bytes/peer', digits: 0 },
    { name: 'newcomerMillis', title: 'p50 of newcomers, ms', digits: 1, compared: true, better: 'less' },
  ],
  contenders: [
    contender('sluice', sluice, 'bench/servers/stalled-sluice.ts'),
    contender('node', runningNode, 'bench/servers/stalled-node.ts'),
  ],
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

async function measure(server: ServerProcess, each: Case, load: Load): Promise<Sample> {
  const loads: LoadProcess[] = [];
  const start = (name: string, ...args: readonly string[]) => {
    const process = new LoadProcess(name, [...server.endpoint, ...args], load, withDescriptors(DESCRIPTORS));
    loads.push(process);
    return process;
  };
  const { cert = '', key = '' } = each.credentials ?? {};
  const stall = async (count: number) => {
    const peers = start('stalled', `${count}`, each.name, cert, key);
    await peers.says<{ stalled: number }>();
    return peers;
  };
  try {
    await stall(FIRST);
    const before = await server.memory();
    const crowd = await stall(CROWD);
    const after = await server.memory();
    const { millis } = await start('newcomers', `${NEWCOMERS}`).says<{ millis: number[] }>();
    const { open } = await crowd.ask<{ open: number }>('open');
    if (open !== CROWD) throw new BenchError(`the server closed ${CROWD - open} connections`);
    const per = (name: 'residentBytes' | 'heapBytes') => (after[name] - before[name]) / CROWD;
    const newcomerMillis = percentile(millis, 50);
    return { residentBytes: per('residentBytes'), heapBytes: per('heapBytes'), newcomerMillis };
  } finally {
    await Promise.all(loads.map((one) => one.stop()));
  }
}
