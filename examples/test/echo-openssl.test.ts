/** `echo --tls` as `openssl s_client` sees it. */
import { createHash, randomBytes } from 'node:crypto';
import { needsTool, startTool } from '@sluice-internal/foreign-programs';
import { beforeEach, describe, expect, it } from 'vitest';
import { digestOf } from './support/checksum.ts';
import { startServer } from './support/server.ts';

const BYTES = 8 * 1024 * 1024;

describe('the echo server sends 8 MiB back unchanged to openssl s_client', () => {
  beforeEach((context) => needsTool(context, 'openssl'));

  it('P47 with every version and cipher', async () => {
    const server = await startServer('echo', ['--tls']);
    const sent = randomBytes(BYTES);
    const sha256 = createHash('sha256').update(sent).digest('hex');
    for (const flags of [
      '-tls1_2',
      '-tls1_3',
      '-tls1_2 -cipher ECDHE-ECDSA-AES256-GCM-SHA384',
      '-tls1_2 -cipher ECDHE-ECDSA-CHACHA20-POLY1305',
      '-tls1_3 -ciphersuites TLS_AES_256_GCM_SHA384',
      '-tls1_3 -ciphersuites TLS_CHACHA20_POLY1305_SHA256',
    ]) {
      // Without -quiet, letters where a read of its input begins are commands.
      const to = ['-quiet', '-connect', `127.0.0.1:${server.port}`, ...flags.split(' ')];
      const client = startTool('openssl', ['s_client', ...to]);
      client.child.stdin.write(sent);
      expect({ flags, ...(await digestOf(client.child.stdout, BYTES)) }).toEqual({
        flags,
        bytes: BYTES,
        sha256,
      });
      client.child.kill();
      await client.ended;
    }
    expect(await server.stop()).toMatchObject({ code: 0, signal: null });
  });
});
