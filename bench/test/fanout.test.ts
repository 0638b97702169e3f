import { describe, expect, it } from 'vitest';
import { LoadProcess } from '../lib/load-process.ts';
import type { Pinning } from '../lib/pinning.ts';
import { runningNode } from '../lib/runtimes.ts';
import type { Case, Contender } from '../lib/suite.ts';
import { fanout } from '../suites/fanout.ts';
import { caseWithCredentials, PLAIN } from './support/cases.ts';
import { withServer } from './support/with-server.ts';

const UNPINNED: Pinning = { server: [], load: [], note: undefined };
const LOAD = { seconds: 1, pinning: UNPINNED, signal: new AbortController().signal };

describe('a message to everybody', () => {
  it.for(fanout.contenders.map((each) => [each.name, each] as const))(
    'reaches everybody, on %s, plain and over TLS',
    async ([, contender], { skip }) => {
      await caseWithCredentials(async (sealed) => {
        for (const each of [PLAIN, sealed]) {
          const reason = await withServer(contender, each, async (server) => {
            const flags = each.credentials === undefined ? [] : ['tls'];
            const load = new LoadProcess('fanout', [...server.endpoint, '120', '64', '0', ...flags], LOAD);
            try {
              expect(await load.says()).toEqual({ connections: 120 });
              expect(await load.ask('go')).toMatchObject({ deliveries: 120 });
            } finally {
              await load.stop();
            }
          });
          if (reason !== undefined) skip(reason);
        }
      });
    },
  );

  it('that is another has no figure', async () => {
    const script = `
      const server = require('node:net').createServer((socket) => {
        socket.write('.');
        socket.on('error', () => {}).on('data', (chunk) => socket.write(chunk.fill(0)));
      });
      server.listen(0, '127.0.0.1', () => console.log('listening on 127.0.0.1:' + server.address().port));`;
    const command = (_each: Case, program: string) => [program, '-e', script];
    const contender: Contender = { name: 'different', runtime: runningNode, command };
    await withServer(contender, PLAIN, async (server) => {
      const load = new LoadProcess('fanout', [...server.endpoint, '1', '64', '0'], LOAD);
      await expect(load.says()).rejects.toThrowError(/a connection got something else than the message/);
      await load.stop();
    });
  });
});
