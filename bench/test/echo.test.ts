import { describe, expect, it } from 'vitest';
import { BenchError } from '../lib/bench-error.ts';
import { LoadProcess } from '../lib/load-process.ts';
import type { Pinning } from '../lib/pinning.ts';
import { runningNode } from '../lib/runtimes.ts';
import type { Case, Contender } from '../lib/suite.ts';
import { echo } from '../suites/echo.ts';
import { caseWithCredentials, PLAIN } from './support/cases.ts';
import { withServer } from './support/with-server.ts';

const UNPINNED: Pinning = { server: [], load: [], note: undefined };
const LOAD = { seconds: 1, pinning: UNPINNED, signal: new AbortController().signal };

/** More than a read takes and than a socket of small buffers holds. */
const BYTES = 1_000_000;

describe('an echo server', () => {
  it.for(echo.contenders.map((each) => [each.name, each] as const))(
    'on %s gives every byte back, plain and over TLS',
    async ([, contender], { skip }) => {
      await caseWithCredentials(async (sealed) => {
        for (const each of [PLAIN, sealed]) {
          const reason = await withServer(contender, each, async (server) => {
            const flags = each.credentials === undefined ? [] : ['tls'];
            const args = [...server.endpoint, '3', `${BYTES}`, '0', ...flags];
            const load = new LoadProcess('messages', args, LOAD);
            try {
              expect(await load.says()).toEqual({ connections: 3 });
              expect(await load.ask('go')).toEqual({
                messages: 3,
                seconds: expect.any(Number),
                p50Micros: expect.any(Number),
                p99Micros: expect.any(Number),
              });
            } finally {
              await load.stop();
            }
          });
          if (reason !== undefined) skip(reason);
        }
      });
    },
  );

  it('that gives back something else has no figure', async () => {
    const load = await answered('socket.write(chunk.fill(0))');
    expect(load).toBeInstanceOf(BenchError);
    expect(load.message).toMatch(/got other bytes back than it sent, 0 into its message/);
  });

  it('that goes away has no figure', async () => {
    const load = await answered('socket.end()');
    expect(load).toBeInstanceOf(BenchError);
    expect(load.message).toMatch(/a connection was closed by the server: /);
  });

  /** What the load makes of a server that does `deed` with what comes. */
  async function answered(deed: string): Promise<Error> {
    const script = `
      const server = require('node:net').createServer((socket) => {
        socket.on('error', () => {}).on('data', (chunk) => { ${deed} });
      });
      server.listen(0, '127.0.0.1', () => console.log('listening on 127.0.0.1:' + server.address().port));`;
    const command = (_each: Case, program: string) => [program, '-e', script];
    const contender: Contender = { name: 'different', runtime: runningNode, command };
    let failure = new Error('nothing happened');
    await withServer(contender, PLAIN, async (server) => {
      const load = new LoadProcess('messages', [...server.endpoint, '1', '64', '0'], LOAD);
      failure = await load.says().then(
        () => failure,
        (error: Error) => error,
      );
      await load.stop();
    });
    return failure;
  }
});
