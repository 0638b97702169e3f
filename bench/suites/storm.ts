/** Connections that send a message now and then, while others come, shake hands and go as fast as they can. */
import { LoadProcess } from '../lib/load-process.ts';
import { nodes, ours } from '../lib/peers.ts';
import type { ServerProcess } from '../lib/server-process.ts';
import type { Case, Load, Sample, Suite } from '../lib/suite.ts';

const CONNECTIONS = 64;
const MESSAGES_PER_SECOND = 1_000;
/** The storm and the messages share a core. SCHED_IDLE (sched(7)): whoever sends a message now and then goes first there. */
const BEHIND = ['chrt', '--idle', '0'];

/** What the load says of its messages. */
interface Report {
  readonly returned: number;
  readonly p50Micros: number;
  readonly p99Micros: number;
}

export const storm: Suite = {
  name: 'storm',
  title: `messages on ${CONNECTIONS} connections over TLS 1.3 while others shake hands without pause`,
  tools: { chrt: 'util-linux' },
  cases: ['full handshakes'],
  metrics: [
    { name: 'stormP99Micros', title: 'p99 µs', digits: 0 },
    { name: 'timesQuiet', title: '÷ without the storm', digits: 2 },
    { name: 'quietP99Micros', title: 'p99 µs without', digits: 0 },
    { name: 'stormMedianMicros', title: 'p50 µs', digits: 0, compared: true },
    { name: 'quietMedianMicros', title: 'p50 µs without', digits: 0 },
    { name: 'handshakesPerSecond', title: 'handshakes/s', digits: 0, better: 'more' },
    { name: 'cpuPercent', title: 'server CPU %', digits: 0 },
  ],
  contenders: [ours('examples/echo.ts'), ...nodes('bench/servers/node-echo.ts')],
  measure,
};

async function measure(server: ServerProcess, _each: Case, load: Load): Promise<Sample> {
  const pace = [`${CONNECTIONS}`, `${MESSAGES_PER_SECOND}`, `${load.seconds}`];
  const steady = new LoadProcess('steady', [...server.endpoint, ...pace], load);
  const newcomers = new LoadProcess(
    'handshakes',
    [...server.endpoint, `${load.seconds}`, '1.3', 'full'],
    load,
    BEHIND,
  );
  try {
    await Promise.all([steady.says(), newcomers.says()]);
    const quiet = await steady.ask<Report>('go');
    const before = server.cpuSeconds();
    const [stormy, { handshakes }] = await Promise.all([
      steady.ask<Report>('go'),
      newcomers.ask<{ handshakes: number }>('go'),
    ]);
    return {
      stormP99Micros: stormy.p99Micros,
      timesQuiet: stormy.p99Micros / quiet.p99Micros,
      quietP99Micros: quiet.p99Micros,
      stormMedianMicros: stormy.p50Micros,
      quietMedianMicros: quiet.p50Micros,
      handshakesPerSecond: handshakes / load.seconds,
      cpuPercent: ((server.cpuSeconds() - before) / load.seconds) * 100,
    };
  } finally {
    await Promise.all([steady.stop(), newcomers.stop()]);
  }
}
