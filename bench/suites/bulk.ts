/** Large bodies over TLS, out of memory, on connections that stay open: what a mebibyte costs. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expectAnswer } from '../lib/expect-answer.ts';
import { byNginx, nodes, onBun, onDeno, ours } from '../lib/peers.ts';
import { SERVED_NAME, servedFolder } from '../lib/served-folder.ts';
import type { ServerProcess } from '../lib/server-process.ts';
import type { Case, Load, Sample, Suite } from '../lib/suite.ts';
import { runWrk } from '../lib/wrk.ts';

const MEBIBYTE = 2 ** 20;

interface Shape {
  readonly mebibytes: number;
  readonly connections: number;
}

const SHAPES: Readonly<Record<string, Shape>> = {
  'tls, 1 MiB': { mebibytes: 1, connections: 8 },
  // A few only: a second has to see some of them whole.
  'tls, 64 MiB': { mebibytes: 64, connections: 2 },
};

const fileOf = (each: Case) => ['--file', join(folderOf(each), SERVED_NAME)];

export const bulk: Suite = {
  name: 'bulk',
  title:
    'bodies of 1 MiB on 8 connections and of 64 MiB on 2, from memory (nginx: from a file), over TLS 1.3',
  tools: { wrk: 'wrk' },
  cases: Object.keys(SHAPES),
  metrics: [
    { name: 'cpuMicros', title: 'CPU µs/MiB', digits: 1 },
    { name: 'mebibytesPerSecond', title: 'MiB/s', digits: 0, better: 'more' },
    { name: 'latencyP50Ms', title: 'p50 ms', digits: 2, better: 'less' },
    { name: 'latencyP99Ms', title: 'p99 ms', digits: 2, better: 'less' },
    { name: 'residentMebibytes', title: 'MiB resident', digits: 0, better: 'less' },
  ],
  contenders: [
    ours('bench/servers/sluice-body.ts', fileOf),
    ...nodes('bench/servers/node-file.ts', fileOf),
    onBun('bun-body.mjs', fileOf),
    onDeno('deno-body.mjs', fileOf),
    byNginx((each) => ['--root', folderOf(each)]),
  ],
  // Of the large ones a second sees a dozen: what an answer runs through is compiled late.
  warmUpSeconds: 4,
  measure,
};

async function measure(
  server: ServerProcess,
  each: Case,
  { seconds, pinning, signal }: Load,
): Promise<Sample> {
  const { connections } = shapeOf(each);
  const url = `https://${server.authority}/${SERVED_NAME}`;
  const body = readFileSync(join(folderOf(each), SERVED_NAME));
  await expectAnswer(url, { type: 'application/octet-stream', body });
  const before = server.cpuSeconds();
  const report = await runWrk({ url, connections, seconds, prefix: pinning.load, signal });
  const { readBytes, latencyP50Ms, latencyP99Ms } = report;
  const mebibytes = readBytes / MEBIBYTE;
  return {
    // By what has come, not by answers: eight large ones are always half done when the time is over.
    cpuMicros: ((server.cpuSeconds() - before) / mebibytes) * 1e6,
    mebibytesPerSecond: mebibytes / seconds,
    latencyP50Ms,
    latencyP99Ms,
    residentMebibytes: server.residentBytes() / MEBIBYTE,
  };
}

function folderOf(each: Case): string {
  return servedFolder(shapeOf(each).mebibytes * MEBIBYTE);
}

function shapeOf({ name }: Case): Shape {
  const shape = SHAPES[name];
  if (shape === undefined) throw new TypeError(`no case is called "${name}"`);
  return shape;
}
