/** Requests that come at an even rate, which every server can stand: how long their answers take. */
import { expectAnswer } from '../lib/expect-answer.ts';
import { GREETING, GREETING_ANSWER, HTTP_CONTENDERS } from '../lib/http-contenders.ts';
import { LoadProcess } from '../lib/load-process.ts';
import type { ServerProcess } from '../lib/server-process.ts';
import type { Case, Load, Sample, Suite } from '../lib/suite.ts';

const CONNECTIONS = 64;
/** Half of what the slowest can do on a core that is not new. */
const REQUESTS_PER_SECOND = 10_000;

/** What the load says of its run. */
interface Report {
  readonly answers: number;
  readonly p50Micros: number;
  readonly p99Micros: number;
  readonly p999Micros: number;
}

export const latency: Suite = {
  name: 'latency',
  title: `answers to ${REQUESTS_PER_SECOND.toLocaleString('en')} requests a second, ${CONNECTIONS} connections`,
  tools: {},
  cases: ['plain', 'tls'],
  metrics: [
    { name: 'p99Micros', title: 'p99 µs', digits: 0 },
    { name: 'p50Micros', title: 'p50 µs', digits: 0, better: 'less', compared: true },
    { name: 'p999Micros', title: 'p99.9 µs', digits: 0, better: 'less' },
    { name: 'cpuMicros', title: 'CPU µs/request', digits: 2, better: 'less', compared: true },
  ],
  contenders: HTTP_CONTENDERS,
  measure,
};

async function measure(server: ServerProcess, { credentials }: Case, load: Load): Promise<Sample> {
  const scheme = credentials === undefined ? 'http' : 'https';
  await expectAnswer(`${scheme}://${server.authority}/`, GREETING_ANSWER);
  const sealed = credentials === undefined ? [] : ['tls'];
  const pace = [`${CONNECTIONS}`, `${REQUESTS_PER_SECOND}`, `${load.seconds}`];
  const clients = new LoadProcess('rate', [...server.endpoint, ...pace, GREETING, ...sealed], load);
  try {
    await clients.says();
    const before = server.cpuSeconds();
    const { answers, ...micros } = await clients.ask<Report>('go');
    return { ...micros, cpuMicros: ((server.cpuSeconds() - before) / answers) * 1e6 };
  } finally {
    await clients.stop();
  }
}
