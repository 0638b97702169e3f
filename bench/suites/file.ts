/**
 * A file of one mebibyte, over and over, on eight connections that stay open: what a request costs. All clients have receive
 * buffers of one size, for how much of an answer a server sends in its own calls depends on them.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expectAnswer } from '../lib/expect-answer.ts';
import { byNginx, nodes, onBun, onDeno, ours } from '../lib/peers.ts';
import { fixedReceiveBuffers } from '../lib/receive-buffers.ts';
import { SERVED_NAME, servedFolder } from '../lib/served-folder.ts';
import type { ServerProcess } from '../lib/server-process.ts';
import type { Case, Load, Sample, Suite } from '../lib/suite.ts';
import { runWrk } from '../lib/wrk.ts';

const CONNECTIONS = 8;
const BYTES = 1024 * 1024;

const servedFile = () => join(servedFolder(BYTES), SERVED_NAME);
const fileFlags = () => ['--file', servedFile()];

export const file: Suite = {
  name: 'file',
  title: `a file of 1 MiB, HTTP/1.1 keep-alive, ${CONNECTIONS} connections`,
  tools: { wrk: 'wrk' },
  cases: ['plain', 'plain, one core', 'tls'],
  metrics: [
    { name: 'cpuMicros', title: 'CPU µs/request', digits: 1 },
    { name: 'requestsPerSecond', title: 'requests/s', digits: 0, better: 'more' },
    { name: 'latencyP50Ms', title: 'p50 ms', digits: 2, better: 'less' },
    { name: 'latencyP99Ms', title: 'p99 ms', digits: 2, better: 'less' },
  ],
  contenders: [
    ours('examples/files.ts', () => ['--root', servedFolder(BYTES)]),
    byNginx(() => ['--root', servedFolder(BYTES)]),
    byNginx(() => ['--nopush', '--root', servedFolder(BYTES)], 'nginx (tcp_nopush)'),
    ...nodes('bench/servers/node-file.ts', fileFlags),
    onBun('bun-file.mjs', fileFlags),
    onDeno('deno-file.mjs', fileFlags),
  ],
  // A thousand answers a second, of which eight come in a turn: what a turn runs through is compiled after some ten thousand.
  warmUpSeconds: 24,
  measure,
};

async function measure(
  server: ServerProcess,
  { credentials }: Case,
  { seconds, pinning, signal }: Load,
): Promise<Sample> {
  const scheme = credentials === undefined ? 'http' : 'https';
  const url = `${scheme}://${server.authority}/${SERVED_NAME}`;
  await expectAnswer(url, { type: 'application/octet-stream', body: readFileSync(servedFile()) });
  const before = server.cpuSeconds();
  const env = fixedReceiveBuffers();
  const report = await runWrk({ url, connections: CONNECTIONS, seconds, env, prefix: pinning.load, signal });
  const cpuMicros = ((server.cpuSeconds() - before) / report.requests) * 1e6;
  const { requestsPerSecond, latencyP50Ms, latencyP99Ms } = report;
  return { cpuMicros, requestsPerSecond, latencyP50Ms, latencyP99Ms };
}
