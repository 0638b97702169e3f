/** Connections that come, shake hands in full, and go: what each of them costs. */
import { LoadProcess } from '../lib/load-process.ts';
import { nodes, ours } from '../lib/peers.ts';
import type { ServerProcess } from '../lib/server-process.ts';
import type { Case, Load, Sample, Suite } from '../lib/suite.ts';

export const handshake: Suite = {
  name: 'handshake',
  title: 'full TLS 1.3 handshakes (P-256), each on a connection of its own that then closes',
  tools: {},
  cases: ['tls'],
  metrics: [
    { name: 'cpuMicros', title: 'CPU µs/handshake', digits: 1 },
    { name: 'handshakesPerSecond', title: 'handshakes/s', digits: 0 },
  ],
  contenders: [ours('examples/echo.ts'), ...nodes('bench/servers/node-echo.ts')],
  measure,
};

async function measure(server: ServerProcess, _case: Case, load: Load): Promise<Sample> {
  const clients = new LoadProcess('handshakes', [...server.endpoint, `${load.seconds}`], load);
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
