/** Certificates that are renewed again and again under handshakes: what that leaves behind in memory. */
import { LoadProcess } from '../lib/load-process.ts';
import { runningNode, sluice } from '../lib/runtimes.ts';
import type { ServerProcess } from '../lib/server-process.ts';
import type { Case, Load, Sample, Suite } from '../lib/suite.ts';
import { TELLS_MEMORY, typescriptProgram } from '../lib/typescript-program.ts';

/** Of reloads, in one second each. */
const STEPS = 5;
const RELOADS = 200;
const HANDSHAKES_PER_SECOND = 200;
const MEBIBYTE = 2 ** 20;

export const reload: Suite = {
  name: 'reload',
  title: `${STEPS * RELOADS} reloads of the certificate under ${HANDSHAKES_PER_SECOND} handshakes a second`,
  tools: {},
  cases: ['tls'],
  metrics: [
    { name: 'residentMebibytes', title: `resident MiB after ${STEPS * RELOADS}`, digits: 1 },
    ...Array.from({ length: STEPS - 1 }, (_, step) => ({
      name: `after${(step + 1) * RELOADS}`,
      title: `after ${(step + 1) * RELOADS}`,
      digits: 1,
    })),
    { name: 'handshakesPerSecond', title: 'handshakes/s', digits: 1 },
  ],
  contenders: [
    {
      name: 'sluice',
      runtime: sluice,
      command: (each) => typescriptProgram('bench/servers/reload-sluice.ts', each, TELLS_MEMORY),
    },
    {
      name: 'node',
      runtime: runningNode,
      command: (each) => typescriptProgram('bench/servers/reload-node.ts', each, TELLS_MEMORY),
    },
  ],
  servers: 'one-per-sample',
  measure,
};

/** Handshakes go on while memory is looked at. One that fails is an error of the run. */
async function measure(server: ServerProcess, _case: Case, load: Load): Promise<Sample> {
  const clients = new LoadProcess('paced', [...server.endpoint, `${HANDSHAKES_PER_SECOND}`], load);
  try {
    await clients.says();
    const resident: number[] = [];
    for (let step = 0; step < STEPS; step += 1) {
      await server.ask<{ done: number }>(RELOADS);
      resident.push((await server.memory()).residentBytes);
    }
    const { served, seconds } = await clients.ask<{ served: number; seconds: number }>('how many');
    const steps = resident.map((bytes, step) => [`after${(step + 1) * RELOADS}`, bytes / MEBIBYTE]);
    return {
      residentMebibytes: (resident.at(-1) ?? Number.NaN) / MEBIBYTE,
      ...Object.fromEntries(steps),
      handshakesPerSecond: served / seconds,
    };
  } finally {
    await clients.stop();
  }
}
