import { describe, expect, it } from 'vitest';
import { BenchError } from '../lib/bench-error.ts';
import type { Pinning } from '../lib/pinning.ts';
import { runningNode } from '../lib/runtimes.ts';
import type { Case, Contender } from '../lib/suite.ts';
import { findTool } from '../lib/tools.ts';
import { crowd, measureCrowd } from '../suites/crowd.ts';
import { caseWithCredentials, PLAIN } from './support/cases.ts';
import { withServer } from './support/with-server.ts';

const UNPINNED: Pinning = { server: [], load: [], note: undefined };
const LOAD = { seconds: 1, pinning: UNPINNED, signal: new AbortController().signal };
const WITHOUT_WRK = 'there is no wrk (apt-get install wrk)';

describe('requests beside a crowd', () => {
  it('are measured alone and beside it, plain and over TLS', async ({ skip }) => {
    if (findTool('wrk') === undefined) skip(WITHOUT_WRK);
    await caseWithCredentials(async (sealed) => {
      for (const each of [PLAIN, sealed]) {
        const reason = await withServer(crowd.contenders[0], each, async (server) => {
          const sample = await measureCrowd(server, each, LOAD, 200);
          expect(Object.keys(sample)).toEqual(crowd.metrics.map(({ name }) => name));
          const { cpuMicros = 0, aloneCpuMicros = 0, besideToAlone } = sample;
          expect(aloneCpuMicros).toBeGreaterThan(0);
          expect(besideToAlone).toBe(cpuMicros / aloneCpuMicros);
        });
        expect(reason).toBeUndefined();
      }
    });
  });

  it('have no figure where the crowd does not last', async ({ skip }) => {
    if (findTool('wrk') === undefined) skip(WITHOUT_WRK);
    // Whoever has said nothing after a fifth of a second is cut off.
    const script = `
      const { createServer } = require('node:http');
      const answer = (req, res) => { res.setHeader('content-type', 'text/plain'); res.end('Hello, World!'); };
      const server = createServer(answer);
      server.on('connection', (socket) => {
        const cut = setTimeout(() => socket.destroy(), 200);
        socket.once('data', () => clearTimeout(cut));
      });
      server.listen(0, '127.0.0.1', () => console.log('listening on 127.0.0.1:' + server.address().port));`;
    const command = (_each: Case, program: string) => [program, '-e', script];
    const contender: Contender = { name: 'impatient', runtime: runningNode, command };
    await withServer(contender, PLAIN, async (server) => {
      const measured = measureCrowd(server, PLAIN, LOAD, 20);
      await expect(measured).rejects.toThrowError(BenchError);
      await expect(measured).rejects.toThrowError('the server closed 20 of 20 idle connections');
    });
  });
});
