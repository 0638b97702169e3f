/** The smallest useful HTTP exchange, over and over, on 64 connections that stay open: what a request costs. */
import type { ServerProcess } from '../lib/server-process.ts';
import type { Case, Load, Sample, Suite } from '../lib/suite.ts';
import { typescriptProgram } from '../lib/typescript-program.ts';
import { runWrk } from '../lib/wrk.ts';

const CONNECTIONS = 64;
const DEPTH = 16;
/** At the end of the names of cases whose clients do not wait for one answer before they ask again. */
const PIPELINED = `, ${DEPTH} pipelined`;

export const http: Suite = {
  name: 'http',
  title: `HTTP/1.1 keep-alive, ${CONNECTIONS} connections, 13 bytes of text/plain`,
  tools: { wrk: 'wrk' },
  cases: ['plain', 'tls', `plain${PIPELINED}`, `tls${PIPELINED}`],
  metrics: [
    { name: 'cpuMicros', title: 'CPU µs/request', digits: 2 },
    { name: 'requestsPerSecond', title: 'requests/s', digits: 0 },
    { name: 'latencyP50Ms', title: 'p50 ms', digits: 2 },
    { name: 'latencyP99Ms', title: 'p99 ms', digits: 2 },
  ],
  contenders: [
    { name: 'sluice', command: (each) => typescriptProgram('examples/http.ts', each) },
    { name: 'node', command: (each) => typescriptProgram('bench/servers/node-http.ts', each) },
  ],
  measure,
};

async function measure(
  server: ServerProcess,
  { name, credentials }: Case,
  { seconds, pinning, signal }: Load,
): Promise<Sample> {
  const scheme = credentials === undefined ? 'http' : 'https';
  const url = `${scheme}://${server.authority}/`;
  const before = server.cpuSeconds();
  const pipelined = name.endsWith(PIPELINED) ? DEPTH : 1;
  const connections = CONNECTIONS;
  const report = await runWrk({ url, connections, seconds, pipelined, prefix: pinning.load, signal });
  const cpuMicros = ((server.cpuSeconds() - before) / report.requests) * 1e6;
  const { requestsPerSecond } = report;
  // wrk times a group, and not from its first request on.
  const isTimed = pipelined === 1;
  const latencyP50Ms = isTimed ? report.latencyP50Ms : Number.NaN;
  const latencyP99Ms = isTimed ? report.latencyP99Ms : Number.NaN;
  return { cpuMicros, requestsPerSecond, latencyP50Ms, latencyP99Ms };
}
