/** The smallest useful HTTP exchange, over and over, on connections that stay open: what a request costs. Plain and over TLS. */
import { expectAnswer } from '../lib/expect-answer.ts';
import { GREETING_ANSWER, HTTP_CONTENDERS } from '../lib/http-contenders.ts';
import type { ServerProcess } from '../lib/server-process.ts';
import type { Case, Load, Sample, Suite } from '../lib/suite.ts';
import { runWrk } from '../lib/wrk.ts';

interface Shape {
  readonly connections: number;
  /** How many requests a client sends before it waits for their answers. */
  readonly pipelined: number;
}

const SHAPES: Readonly<Record<string, Shape>> = {
  '64 connections': { connections: 64, pipelined: 1 },
  '64 connections, one core': { connections: 64, pipelined: 1 },
  '1 connection': { connections: 1, pipelined: 1 },
  '1,000 connections': { connections: 1_000, pipelined: 1 },
  '64 connections, 16 pipelined': { connections: 64, pipelined: 16 },
};

const MEBIBYTE = 2 ** 20;

export const http: Suite = suite('http', 'plain', 'HTTP/1.1 keep-alive, 13 bytes of text/plain');
export const https: Suite = suite('https', 'tls', 'HTTP/1.1 keep-alive over TLS 1.3, 13 bytes of text/plain');

function suite(name: string, prefix: string, title: string): Suite {
  return {
    name,
    title,
    tools: { wrk: 'wrk' },
    cases: Object.keys(SHAPES).map((shape) => `${prefix}, ${shape}`),
    metrics: [
      { name: 'cpuMicros', title: 'CPU µs/request', digits: 2 },
      { name: 'requestsPerSecond', title: 'requests/s', digits: 0, better: 'more' },
      { name: 'latencyP50Ms', title: 'p50 ms', digits: 2, better: 'less' },
      { name: 'latencyP99Ms', title: 'p99 ms', digits: 2, better: 'less' },
      { name: 'residentMebibytes', title: 'MiB resident', digits: 0, better: 'less' },
    ],
    contenders: HTTP_CONTENDERS,
    measure,
  };
}

async function measure(
  server: ServerProcess,
  { name, credentials }: Case,
  { seconds, pinning, signal }: Load,
): Promise<Sample> {
  const scheme = credentials === undefined ? 'http' : 'https';
  const url = `${scheme}://${server.authority}/`;
  await expectAnswer(url, GREETING_ANSWER);
  const { connections, pipelined } = shapeOf(name);
  const before = server.cpuSeconds();
  const report = await runWrk({ url, connections, seconds, pipelined, prefix: pinning.load, signal });
  const cpuMicros = ((server.cpuSeconds() - before) / report.requests) * 1e6;
  const { requestsPerSecond } = report;
  const residentMebibytes = server.residentBytes() / MEBIBYTE;
  // wrk times a group, and not from its first request on.
  const isTimed = pipelined === 1;
  const latencyP50Ms = isTimed ? report.latencyP50Ms : Number.NaN;
  const latencyP99Ms = isTimed ? report.latencyP99Ms : Number.NaN;
  return { cpuMicros, requestsPerSecond, latencyP50Ms, latencyP99Ms, residentMebibytes };
}

function shapeOf(name: string): Shape {
  const shape = SHAPES[name.slice(name.indexOf(', ') + 2)];
  if (shape === undefined) throw new TypeError(`no case is called "${name}"`);
  return shape;
}
