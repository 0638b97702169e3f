/** One connection that sends a byte now and then, among eight that send all they can: how long it waits for its answer. */
import { BenchError } from '../lib/bench-error.ts';
import { LoadProcess } from '../lib/load-process.ts';
import { nodes, ours } from '../lib/peers.ts';
import type { ServerProcess } from '../lib/server-process.ts';
import { percentile } from '../lib/statistics.ts';
import type { Case, Load, Sample, Suite } from '../lib/suite.ts';

const FLOODS = 8;
/** The flood and the ping share a core. SCHED_IDLE (sched(7)): whoever sends a byte now and then goes first there. */
const BEHIND = ['chrt', '--idle', '0'];
/** Fewer round trips than this have no 99th percentile. */
const LEAST_ROUND_TRIPS = 100;

export const fairness: Suite = {
  name: 'fairness',
  title: `round trip of one byte through an echo server that ${FLOODS} connections flood`,
  tools: { chrt: 'util-linux' },
  cases: ['plain', 'tls'],
  metrics: [
    { name: 'medianMicros', title: 'p50 µs', digits: 0 },
    { name: 'p99Micros', title: 'p99 µs', digits: 0, compared: true, better: 'less' },
    { name: 'roundTrips', title: 'round trips', digits: 0 },
    { name: 'floodMebibytesPerSecond', title: 'MiB/s echoed to the flood', digits: 0 },
    { name: 'cpuPercent', title: 'server CPU %', digits: 0 },
  ],
  contenders: [ours('examples/echo.ts'), ...nodes('bench/servers/node-echo.ts')],
  measure,
};

async function measure(server: ServerProcess, { credentials }: Case, load: Load): Promise<Sample> {
  const sealed = credentials === undefined ? [] : ['tls'];
  const flood = new LoadProcess('flood', [...server.endpoint, `${FLOODS}`, ...sealed], load, BEHIND);
  try {
    await flood.says<{ returned: number }>();
    const before = { ...(await flood.ask<{ returned: number }>('returned')), cpu: server.cpuSeconds() };
    const { micros, seconds } = await ping(server, sealed, load);
    const cpu = server.cpuSeconds() - before.cpu;
    const { returned } = await flood.ask<{ returned: number }>('returned');
    return {
      medianMicros: percentile(micros, 50),
      p99Micros: percentile(micros, 99),
      roundTrips: micros.length,
      floodMebibytesPerSecond: (returned - before.returned) / seconds / 1024 ** 2,
      cpuPercent: (cpu / seconds) * 100,
    };
  } finally {
    await flood.stop();
  }
}

async function ping(
  server: ServerProcess,
  sealed: readonly string[],
  load: Load,
): Promise<{ micros: readonly number[]; seconds: number }> {
  const startedAt = performance.now();
  const pinger = new LoadProcess('ping', [...server.endpoint, `${load.seconds}`, ...sealed], load);
  try {
    const { micros } = await pinger.says<{ micros: readonly number[] }>();
    if (micros.length < LEAST_ROUND_TRIPS)
      throw new BenchError(`only ${micros.length} round trips were made`);
    return { micros, seconds: (performance.now() - startedAt) / 1000 };
  } finally {
    await pinger.stop();
  }
}
