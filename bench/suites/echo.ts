/** Messages that come back, on connections that stay open: what one of them costs. Small, middling and large; plain and over TLS. */
import { LoadProcess } from '../lib/load-process.ts';
import { nodes, onBun, onDeno, ours } from '../lib/peers.ts';
import type { ServerProcess } from '../lib/server-process.ts';
import type { Case, Load, Sample, Suite } from '../lib/suite.ts';

interface Shape {
  readonly bytes: number;
  readonly connections: number;
}

/** What the load says of its run. */
interface Report {
  readonly messages: number;
  /** From the first message to the last. */
  readonly seconds: number;
  readonly p50Micros: number;
  readonly p99Micros: number;
}

const SHAPES: Readonly<Record<string, Shape>> = {
  '64 B': { bytes: 64, connections: 64 },
  '64 B, one core': { bytes: 64, connections: 64 },
  '16 KiB': { bytes: 16 * 1024, connections: 64 },
  '1 MiB': { bytes: 1024 * 1024, connections: 8 },
};

const MEBIBYTE = 2 ** 20;

export const echo: Suite = {
  name: 'echo',
  title: 'messages echoed, one at a time on each of 64 connections (1 MiB: of 8)',
  tools: {},
  cases: ['plain', 'tls'].flatMap((way) => Object.keys(SHAPES).map((shape) => `${way}, ${shape}`)),
  metrics: [
    { name: 'cpuMicros', title: 'CPU µs/message', digits: 2 },
    { name: 'messagesPerSecond', title: 'messages/s', digits: 0, better: 'more' },
    { name: 'p50Micros', title: 'p50 µs', digits: 0, better: 'less' },
    { name: 'p99Micros', title: 'p99 µs', digits: 0, better: 'less' },
    { name: 'residentMebibytes', title: 'MiB resident', digits: 0, better: 'less' },
  ],
  contenders: [
    ours('examples/echo.ts'),
    ...nodes('bench/servers/node-echo.ts'),
    onBun('bun-echo.mjs'),
    onDeno('deno-echo.mjs'),
  ],
  measure,
};

async function measure(server: ServerProcess, { name, credentials }: Case, load: Load): Promise<Sample> {
  const { bytes, connections } = shapeOf(name);
  const sealed = credentials === undefined ? [] : ['tls'];
  const args = [...server.endpoint, `${connections}`, `${bytes}`, `${load.seconds}`, ...sealed];
  const clients = new LoadProcess('messages', args, load);
  try {
    await clients.says();
    const before = server.cpuSeconds();
    const { messages, seconds, p50Micros, p99Micros } = await clients.ask<Report>('go');
    return {
      cpuMicros: ((server.cpuSeconds() - before) / messages) * 1e6,
      messagesPerSecond: messages / seconds,
      p50Micros,
      p99Micros,
      residentMebibytes: server.residentBytes() / MEBIBYTE,
    };
  } finally {
    await clients.stop();
  }
}

function shapeOf(name: string): Shape {
  const shape = SHAPES[name.slice(name.indexOf(', ') + 2)];
  if (shape === undefined) throw new TypeError(`no case is called "${name}"`);
  return shape;
}
