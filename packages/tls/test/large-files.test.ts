/** P46, P47: 64 MiB under each cipher where the kernel was asked to seal and does not, or was not asked: the same bytes. */
import { createHash, randomBytes } from 'node:crypto';
import { beforeAll, describe, expect, it } from 'vitest';
import { type Credentials, makeCertificate } from './support/certificate.ts';
import { ourServer } from './support/endpoints.ts';
import { nodeClient } from './support/node-client.ts';
import { OFFLOADABLE_SUITES } from './support/offloadable-suites.ts';
import { temporaryFile } from './support/temporary-file.ts';

const content = randomBytes(64 * 1024 * 1024);
const wanted = createHash('sha256').update(content).digest('hex');

let credentials: Credentials;
beforeAll(async () => {
  credentials = await makeCertificate();
});

describe.each(OFFLOADABLE_SUITES)('64 MiB under %j', (suite) => {
  it.each(['sendFile', 'writes'] as const)(
    "reach Node's own client whole by %s",
    async (how) => {
      const { party, port } = await ourServer({ ...credentials, ...suite, kernelTls: 'send' });
      const socket = await nodeClient(port, { ca: credentials.cert });
      const conn = (await party.opened.reach(1))[0]!;
      const { send, reason } = conn.tls!.kernelTls;
      // In the lab the kernel seals, and kernel-tls.lab.test.ts counts what it does.
      expect(send).toBe(reason === undefined);
      const hash = createHash('sha256');
      const got = (async () => {
        let bytes = 0;
        for await (const chunk of socket) {
          hash.update(chunk as Buffer);
          bytes += (chunk as Buffer).length;
          if (bytes === content.length) conn.end();
        }
        return hash.digest('hex');
      })();
      if (how === 'writes') party.send(conn, content);
      else expect(await conn.sendFile(temporaryFile('file', content))).toBe(content.length);
      expect(await got).toBe(wanted);
      socket.end();
      expect(await party.closed.reach(1)).toEqual([{ reason: 'clean', cause: undefined }]);
    },
    60_000,
  );
});
