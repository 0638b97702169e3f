/** Connections that come, shake hands in full or take up an earlier session, and go: what each of them costs. */
import { LoadProcess } from '../lib/load-process.ts';
import { byHaproxy, byNginx, nodes, onBun, onDeno, ours } from '../lib/peers.ts';
import type { ServerProcess } from '../lib/server-process.ts';
import type { Case, Load, Sample, Suite } from '../lib/suite.ts';

interface Shape {
  readonly version: '1.2' | '1.3';
  readonly kind: 'full' | 'resumed';
}

/** The key is of the kind that the name of the case says (`lib/suite.ts`). */
const SHAPES: Readonly<Record<string, Shape>> = {
  'TLS 1.3, P-256': { version: '1.3', kind: 'full' },
  'TLS 1.3, RSA-2048': { version: '1.3', kind: 'full' },
  'TLS 1.3, resumed': { version: '1.3', kind: 'resumed' },
  'TLS 1.2, P-256': { version: '1.2', kind: 'full' },
  'TLS 1.2, resumed': { version: '1.2', kind: 'resumed' },
};

const ANSWER = 'Hello, World!';

export const handshake: Suite = {
  name: 'handshake',
  title: 'handshakes, each on a connection of its own that then closes',
  tools: {},
  cases: Object.keys(SHAPES),
  metrics: [
    { name: 'cpuMicros', title: 'CPU µs/handshake', digits: 1 },
    { name: 'handshakesPerSecond', title: 'handshakes/s', digits: 0, better: 'more' },
  ],
  contenders: [
    ours('examples/echo.ts'),
    ...nodes('bench/servers/node-echo.ts'),
    onBun('bun-echo.mjs'),
    onDeno('deno-echo.mjs'),
    byNginx(() => ['--answer', ANSWER]),
    byHaproxy(() => ['--answer', ANSWER]),
  ],
  measure,
};

async function measure(server: ServerProcess, { name }: Case, load: Load): Promise<Sample> {
  const shape = SHAPES[name];
  if (shape === undefined) throw new TypeError(`no case is called "${name}"`);
  const args = [...server.endpoint, `${load.seconds}`, shape.version, shape.kind];
  const clients = new LoadProcess('handshakes', args, load);
  try {
    await clients.says();
    const before = server.cpuSeconds();
    const { handshakes } = await clients.ask<{ handshakes: number }>('go');
    const cpu = server.cpuSeconds() - before;
    return { cpuMicros: (cpu / handshakes) * 1e6, handshakesPerSecond: handshakes / load.seconds };
  } finally {
    await clients.stop();
  }
}
