/** One message to thousands of connections, again and again: what it costs to deliver it to one of them. */
import { withDescriptors } from '../lib/descriptors.ts';
import { LoadProcess } from '../lib/load-process.ts';
import { nodes, onBun, onDeno, ours, roomy } from '../lib/peers.ts';
import type { ServerProcess } from '../lib/server-process.ts';
import type { Case, Contender, Load, Sample, Suite } from '../lib/suite.ts';

const CONNECTIONS = 5_000;
const BYTES = 64;
/** Connections, and what a process has open besides. */
const DESCRIPTORS = CONNECTIONS + 500;
const MEBIBYTE = 2 ** 20;

/** What the load says of its run. */
interface Report {
  readonly deliveries: number;
  readonly seconds: number;
  readonly p50Millis: number;
  readonly p99Millis: number;
}

export const fanout: Suite = {
  name: 'fanout',
  title: `a message of ${BYTES} B to each of ${CONNECTIONS.toLocaleString('en')} connections`,
  tools: {},
  cases: ['plain', 'tls'],
  metrics: [
    { name: 'cpuMicros', title: 'CPU µs/delivery', digits: 2 },
    { name: 'deliveriesPerSecond', title: 'deliveries/s', digits: 0, better: 'more' },
    { name: 'p50Millis', title: 'p50 ms to the last', digits: 1, better: 'less' },
    { name: 'p99Millis', title: 'p99 ms to the last', digits: 1, better: 'less' },
    { name: 'residentMebibytes', title: 'MiB resident', digits: 0, better: 'less' },
  ],
  contenders: [
    withRoom(ours('bench/servers/sluice-fanout.ts')),
    ...nodes('bench/servers/node-fanout.ts').map(withRoom),
    withRoom(onBun('bun-fanout.mjs')),
    withRoom(onDeno('deno-fanout.mjs')),
  ],
  measure,
};

function withRoom(contender: Contender): Contender {
  return roomy(contender, () => DESCRIPTORS);
}

async function measure(server: ServerProcess, { credentials }: Case, load: Load): Promise<Sample> {
  const sealed = credentials === undefined ? [] : ['tls'];
  const args = [...server.endpoint, `${CONNECTIONS}`, `${BYTES}`, `${load.seconds}`, ...sealed];
  const clients = new LoadProcess('fanout', args, load, withDescriptors(DESCRIPTORS));
  try {
    await clients.says();
    const before = server.cpuSeconds();
    const { deliveries, seconds, p50Millis, p99Millis } = await clients.ask<Report>('go');
    return {
      cpuMicros: ((server.cpuSeconds() - before) / deliveries) * 1e6,
      deliveriesPerSecond: deliveries / seconds,
      p50Millis,
      p99Millis,
      residentMebibytes: server.residentBytes() / MEBIBYTE,
    };
  } finally {
    await clients.stop();
  }
}
