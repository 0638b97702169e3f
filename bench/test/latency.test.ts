import { describe, expect, it } from 'vitest';
import { LoadProcess } from '../lib/load-process.ts';
import type { Pinning } from '../lib/pinning.ts';
import { runningNode } from '../lib/runtimes.ts';
import type { Case, Contender } from '../lib/suite.ts';
import { latency } from '../suites/latency.ts';
import { caseWithCredentials, PLAIN } from './support/cases.ts';
import { withServer } from './support/with-server.ts';

const UNPINNED: Pinning = { server: [], load: [], note: undefined };
const LOAD = { seconds: 1, pinning: UNPINNED, signal: new AbortController().signal };

describe('requests at a fixed rate', () => {
  it.for(latency.contenders.map((each) => [each.name, each] as const))(
    'are all answered, by %s, plain and over TLS',
    async ([, contender], { skip }) => {
      await caseWithCredentials(async (sealed) => {
        for (const each of [PLAIN, sealed]) {
          const reason = await withServer(contender, each, async (server) => {
            const flags = each.credentials === undefined ? [] : ['tls'];
            const args = [...server.endpoint, '4', '200', '0.1', 'Hello, World!', ...flags];
            const load = new LoadProcess('rate', args, LOAD);
            try {
              expect(await load.says()).toEqual({ connections: 4 });
              expect(await load.ask('go')).toMatchObject({ answers: 20 });
            } finally {
              await load.stop();
            }
          });
          if (reason !== undefined) skip(reason);
        }
      });
    },
  );

  it('are timed from when they were due: who holds one up holds up all that wait behind it', async () => {
    // The first request of a connection is answered at once, and every later one after a fifth of a second.
    const script = `
      const seen = new Set();
      require('node:http').createServer((req, res) => {
        if (!seen.has(req.socket)) { seen.add(req.socket); return res.end('done'); }
        setTimeout(() => res.end('done'), 200);
      }).listen(0, '127.0.0.1', function () { console.log('listening on 127.0.0.1:' + this.address().port); });`;
    const command = (_each: Case, program: string) => [program, '-e', script];
    const contender: Contender = { name: 'slow', runtime: runningNode, command };
    await withServer(contender, PLAIN, async (server) => {
      const load = new LoadProcess('rate', [...server.endpoint, '1', '20', '0.2', 'done'], LOAD);
      try {
        await load.says();
        const told = await load.ask<{ answers: number; p50Micros: number; p999Micros: number }>('go');
        expect(told.answers).toBe(4);
        // Due after 0, 50, 100 and 150 ms, they are answered after 200, 400, 600 and 800 at the earliest.
        expect(told.p50Micros).toBeGreaterThanOrEqual(345_000);
        expect(told.p999Micros).toBeGreaterThanOrEqual(645_000);
      } finally {
        await load.stop();
      }
    });
  });
});
