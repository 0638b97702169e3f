/** A file of one mebibyte, over and over, on eight connections that stay open: what a request costs. */
import { join } from 'node:path';
import { byNginx, nodes, ours } from '../lib/peers.ts';
import { SERVED_NAME, servedFolder } from '../lib/served-folder.ts';
import type { ServerProcess } from '../lib/server-process.ts';
import type { Case, Load, Sample, Suite } from '../lib/suite.ts';
import { runWrk } from '../lib/wrk.ts';

const CONNECTIONS = 8;
const BYTES = 1024 * 1024;

export const file: Suite = {
  name: 'file',
  title: `a file of 1 MiB, HTTP/1.1 keep-alive, ${CONNECTIONS} connections`,
  tools: { wrk: 'wrk' },
  cases: ['plain', 'tls'],
  metrics: [
    { name: 'cpuMicros', title: 'CPU µs/request', digits: 1 },
    { name: 'requestsPerSecond', title: 'requests/s', digits: 0 },
    { name: 'latencyP50Ms', title: 'p50 ms', digits: 2 },
    { name: 'latencyP99Ms', title: 'p99 ms', digits: 2 },
  ],
  contenders: [
    ours('examples/files.ts', () => ['--root', servedFolder(BYTES)]),
    byNginx(() => ['--root', servedFolder(BYTES)]),
    byNginx(() => ['--nopush', '--root', servedFolder(BYTES)], 'nginx (tcp_nopush)'),
    ...nodes('bench/servers/node-file.ts', () => ['--file', join(servedFolder(BYTES), SERVED_NAME)]),
  ],
  // A thousand answers a second: what a request runs through is compiled after some thousands.
  warmUpSeconds: 8,
  measure,
};

async function measure(
  server: ServerProcess,
  { credentials }: Case,
  { seconds, pinning, signal }: Load,
): Promise<Sample> {
  const scheme = credentials === undefined ? 'http' : 'https';
  const url = `${scheme}://${server.authority}/${SERVED_NAME}`;
  const before = server.cpuSeconds();
  const report = await runWrk({ url, connections: CONNECTIONS, seconds, prefix: pinning.load, signal });
  const cpuMicros = ((server.cpuSeconds() - before) / report.requests) * 1e6;
  const { requestsPerSecond, latencyP50Ms, latencyP99Ms } = report;
  return { cpuMicros, requestsPerSecond, latencyP50Ms, latencyP99Ms };
}
