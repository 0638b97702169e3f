/**
 * Few busy connections among many that say nothing: whether a request costs what it costs alone.
 *
 * Rule: both figures of a sample are of one server, one after the other, so that their ratio is about the crowd alone.
 */
import { BenchError } from '../lib/bench-error.ts';
import { expectAnswer } from '../lib/expect-answer.ts';
import { GREETING, GREETING_ANSWER } from '../lib/http-contenders.ts';
import { IdleConnections, MORE_DESCRIPTORS } from '../lib/idle-connections.ts';
import { byHaproxy, byNginx, nodes, onBun, onDeno, ours, roomy } from '../lib/peers.ts';
import type { ServerProcess } from '../lib/server-process.ts';
import type { Case, Contender, Load, Sample, Suite } from '../lib/suite.ts';
import { runWrk } from '../lib/wrk.ts';

const BUSY = 64;
const IDLE = 10_000;
const MOST = IDLE + BUSY + 100;
const DESCRIPTORS = MOST + MORE_DESCRIPTORS;

export const crowd: Suite = {
  name: 'crowd',
  title: `HTTP/1.1 keep-alive on ${BUSY} connections beside ${IDLE.toLocaleString('en')} that say nothing`,
  tools: { wrk: 'wrk' },
  cases: ['plain'],
  largeCases: ['tls'],
  metrics: [
    { name: 'cpuMicros', title: 'CPU µs/request', digits: 2 },
    { name: 'aloneCpuMicros', title: 'without the crowd', digits: 2, better: 'less' },
    { name: 'besideToAlone', title: 'with ÷ without', digits: 2, better: 'less' },
  ],
  contenders: [
    withRoom(ours('examples/http.ts')),
    ...nodes('bench/servers/node-http.ts').map(withRoom),
    withRoom(onBun('bun-http.mjs')),
    withRoom(onDeno('deno-http.mjs')),
    withRoom(byNginx(() => ['--answer', GREETING, '--connections', `${MOST}`])),
    // It wants two for every connection that it may have, for there is mostly a server behind it.
    roomy(
      byHaproxy(() => ['--answer', GREETING, '--connections', `${MOST}`]),
      () => 2 * DESCRIPTORS,
    ),
  ],
  // What is compiled while the first part runs would make the second look cheap.
  warmUpSeconds: 6,
  measure: (server, each, load) => measureCrowd(server, each, load, IDLE),
};

function withRoom(contender: Contender): Contender {
  return roomy(contender, () => DESCRIPTORS);
}

/** What a request costs alone, then beside `idle` connections that were there for all of the second part. */
export async function measureCrowd(
  server: ServerProcess,
  each: Case,
  load: Load,
  idle: number,
): Promise<Sample> {
  const url = `${each.credentials === undefined ? 'http' : 'https'}://${server.authority}/`;
  await expectAnswer(url, GREETING_ANSWER);
  const aloneCpuMicros = await requestMicros(server, url, load);
  const silent = await IdleConnections.open(server, each, idle, load);
  try {
    const cpuMicros = await requestMicros(server, url, load);
    const open = await silent.left();
    if (open !== idle) throw new BenchError(`the server closed ${idle - open} of ${idle} idle connections`);
    return { cpuMicros, aloneCpuMicros, besideToAlone: cpuMicros / aloneCpuMicros };
  } finally {
    await silent.stop();
  }
}

async function requestMicros(
  server: ServerProcess,
  url: string,
  { seconds, pinning, signal }: Load,
): Promise<number> {
  const before = server.cpuSeconds();
  const { requests } = await runWrk({ url, connections: BUSY, seconds, prefix: pinning.load, signal });
  return ((server.cpuSeconds() - before) / requests) * 1e6;
}
