import { describe, expect, it } from 'vitest';
import { LoadProcess } from '../lib/load-process.ts';
import type { Pinning } from '../lib/pinning.ts';
import { runningNode } from '../lib/runtimes.ts';
import type { Case, Contender } from '../lib/suite.ts';
import { findTool } from '../lib/tools.ts';
import { storm } from '../suites/storm.ts';
import { caseWithCredentials } from './support/cases.ts';
import { withServer } from './support/with-server.ts';

const UNPINNED: Pinning = { server: [], load: [], note: undefined };
const LOAD = { seconds: 0.2, pinning: UNPINNED, signal: new AbortController().signal };

describe('messages at an even rate', () => {
  it.for(storm.contenders.map((each) => [each.name, each] as const))(
    'come back from %s, each time they are asked for',
    async ([, contender], { skip }) => {
      await caseWithCredentials(async (sealed) => {
        const reason = await withServer(contender, sealed, async (server) => {
          const load = new LoadProcess('steady', [...server.endpoint, '4', '200', '0.1'], LOAD);
          try {
            expect(await load.says()).toEqual({ connections: 4 });
            for (let time = 0; time < 2; time += 1)
              expect(await load.ask('go')).toMatchObject({ returned: 20 });
          } finally {
            await load.stop();
          }
        });
        if (reason !== undefined) skip(reason);
      });
    },
  );

  it('are sent whether or not earlier ones are back, and each is timed by itself', async () => {
    // The first message of a connection comes back at once, and later ones not before there are five of them.
    const script = `
      const { readFileSync } = require('node:fs');
      const value = (flag) => readFileSync(process.argv[process.argv.indexOf(flag) + 1]);
      require('node:tls').createServer({ cert: value('--cert'), key: value('--key') }, (socket) => {
        let held, first = true;
        socket.on('error', () => {}).on('data', (chunk) => {
          if (first) { first = false; held = Buffer.alloc(0); return socket.write(chunk); }
          held = Buffer.concat([held, chunk]);
          if (held.length >= 5 * 64) socket.write(held);
        });
      }).listen(0, '127.0.0.1', function () { console.log('listening on 127.0.0.1:' + this.address().port); });`;
    const command = ({ credentials }: Case, program: string) => {
      const { cert = '', key = '' } = credentials ?? {};
      return [program, '-e', script, '--', '--cert', cert, '--key', key];
    };
    const contender: Contender = { name: 'slow', runtime: runningNode, command };
    await caseWithCredentials(async (sealed) => {
      await withServer(contender, sealed, async (server) => {
        const load = new LoadProcess('steady', [...server.endpoint, '1', '20', '0.25'], LOAD);
        try {
          await load.says();
          const told = await load.ask<{ returned: number; p50Micros: number; p99Micros: number }>('go');
          expect(told.returned).toBe(5);
          // Sent after 0, 50, 100, 150 and 200 ms, they come back together: the first was away the longest.
          expect(told.p99Micros).toBeGreaterThan(told.p50Micros);
          expect(told.p99Micros).toBeGreaterThanOrEqual(150_000);
        } finally {
          await load.stop();
        }
      });
    });
  });
});

describe('the storm', () => {
  it('tells both figures of the messages, and how many handshakes there were beside them', async ({
    skip,
  }) => {
    if (findTool('chrt') === undefined) skip('there is no chrt');
    await caseWithCredentials(async (sealed) => {
      const [ours] = storm.contenders;
      await withServer(ours, sealed, async (server) => {
        const sample = await storm.measure(server, sealed, LOAD);
        expect(Object.keys(sample).sort()).toEqual(storm.metrics.map(({ name }) => name).sort());
        for (const figure of Object.values(sample)) expect(figure).toBeGreaterThan(0);
        expect(sample['timesQuiet']).toBeCloseTo(
          (sample['stormP99Micros'] ?? 0) / (sample['quietP99Micros'] ?? 0),
        );
      });
    });
  });
});
