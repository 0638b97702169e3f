import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { BenchError } from '../lib/bench-error.ts';
import { createCredentials } from '../lib/credentials.ts';
import { LoadProcess } from '../lib/load-process.ts';
import type { Pinning } from '../lib/pinning.ts';
import { runningNode } from '../lib/runtimes.ts';
import type { ServerProcess } from '../lib/server-process.ts';
import type { Case, Contender } from '../lib/suite.ts';
import { handshake } from '../suites/handshake.ts';
import { caseWithCredentials } from './support/cases.ts';
import { withServer } from './support/with-server.ts';

const UNPINNED: Pinning = { server: [], load: [], note: undefined };
const LOAD = { seconds: 1, pinning: UNPINNED, signal: new AbortController().signal };

/** What the load says of a second of such handshakes. */
async function handshakes(server: ServerProcess, version: string, kind: string): Promise<object> {
  const load = new LoadProcess('handshakes', [...server.endpoint, '1', version, kind], LOAD);
  try {
    await load.says();
    return await load.ask<object>('go');
  } finally {
    await load.stop();
  }
}

describe('handshakes', () => {
  const [ours] = handshake.contenders;

  it.each([
    ['1.3', 'full'],
    ['1.3', 'resumed'],
    ['1.2', 'full'],
    ['1.2', 'resumed'],
  ])('of TLS %s are all %s where that is asked for', async (version, kind) => {
    await caseWithCredentials(async (sealed) => {
      await withServer(ours, sealed, async (server) => {
        const told = (await handshakes(server, version, kind)) as { handshakes: number };
        expect(told.handshakes).toBeGreaterThan(0);
      });
    });
  });

  it('that a server does not resume are an error of the run, never a figure', async () => {
    const script = `
      const { readFileSync } = require('node:fs');
      const value = (flag) => readFileSync(process.argv[process.argv.indexOf(flag) + 1]);
      const server = require('node:tls').createServer({ cert: value('--cert'), key: value('--key') }, (socket) => {
        server.setTicketKeys(require('node:crypto').randomBytes(48));
        socket.on('error', () => {}).pipe(socket);
      });
      server.listen(0, '127.0.0.1', () => console.log('listening on 127.0.0.1:' + server.address().port));`;
    const command = ({ credentials }: Case, program: string) => {
      const { cert = '', key = '' } = credentials ?? {};
      return [program, '-e', script, '--', '--cert', cert, '--key', key];
    };
    const forgetful: Contender = { name: 'forgetful', runtime: runningNode, command };
    await caseWithCredentials(async (sealed) => {
      await withServer(forgetful, sealed, async (server) => {
        const told = handshakes(server, '1.3', 'resumed');
        await expect(told).rejects.toThrowError(BenchError);
        await expect(told).rejects.toThrowError(/\d+ of \d+ handshakes were resumed/);
      });
    });
  });
});

describe('the certificates of a run', () => {
  it('are of both kinds, for the case that names one', async () => {
    const { files, rsaFiles, remove } = await createCredentials();
    const kinds = [files, rsaFiles].map(({ cert }) => new X509Certificate(readFileSync(cert)).publicKey);
    expect(kinds.map(({ asymmetricKeyType }) => asymmetricKeyType)).toEqual(['ec', 'rsa']);
    await remove();
    expect(() => readFileSync(rsaFiles.key)).toThrowError(/ENOENT/);
  });
});
