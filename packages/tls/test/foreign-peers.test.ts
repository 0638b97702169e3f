/** How connections end, seen by OpenSSL's own client. What else is tried with other programs is in interop/. */
import { createHash, randomBytes } from 'node:crypto';
import type { Connection } from '@sluice/reactor';
import { needsTool, startTool } from '@sluice-internal/foreign-programs';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Credentials, makeCertificate } from './support/certificate.ts';
import { echoServer } from './support/echo-server.ts';
import { Printed } from './support/printed.ts';
import { temporaryFile } from './support/temporary-file.ts';

const CLEAN = { reason: 'clean', cause: undefined };

let credentials: Credentials;
beforeAll(async () => {
  credentials = await makeCertificate();
});

describe('openssl', () => {
  beforeEach((context) => needsTool(context, 'openssl'));

  it.each(['-tls1_2', '-tls1_3'])('P24 s_client %s sees our close_notify before the end', async (version) => {
    const { stderr, closings } = await leavingAtOnce(version, (conn) => conn.close());
    expect(stderr).not.toContain('unexpected eof');
    expect(closings).toEqual([CLEAN]);
  });

  it.each(['-tls1_2', '-tls1_3'])('s_client %s misses it where we break off', async (version) => {
    const { stderr } = await leavingAtOnce(version, (conn) => conn.destroy());
    expect(stderr).toMatch(/unexpected eof|ECONNRESET|errno=104/);
  });

  it.each(['-tls1_2', '-tls1_3'])(
    'P25 s_client %s, whose input is not read to the end, gets the last byte of the answer',
    async (version) => {
      const answer = randomBytes(2 * 1024 * 1024);
      const { port, closed } = await echoServer(credentials, {}, (echo) => ({
        ...echo,
        onData(conn) {
          conn.write(answer);
          conn.close();
        },
      }));
      const client = startTool('openssl', ['s_client', '-quiet', version, '-connect', `127.0.0.1:${port}`]);
      const hash = createHash('sha256');
      client.child.stdout.on('data', (chunk: Buffer) => hash.update(chunk));
      client.child.stdin.write(Buffer.alloc(4 * 1024 * 1024, 'never read\n'));
      const { stderr } = await client.ended;
      expect(stderr).not.toMatch(/unexpected eof|ECONNRESET|errno=/);
      expect(hash.digest('hex')).toBe(createHash('sha256').update(answer).digest('hex'));
      expect(await closed.reach(1)).toMatchObject([{ reason: expect.stringMatching(/clean|truncated/) }]);
    },
  );

  it.each(['-tls1_2', '-tls1_3'])(
    's_client %s is told how long its session may be resumed',
    async (version) => {
      const { port } = await echoServer({ ...credentials, sessionTimeoutSeconds: 1234 });
      const session = temporaryFile('session.pem', '');
      const to = ['s_client', version, '-connect', `127.0.0.1:${port}`];
      const client = startTool('openssl', [...to, '-sess_out', session]);
      client.child.stdin.write('ask\n');
      await new Printed(client).until(/^ask$/m);
      client.child.stdin.end();
      await client.ended;
      const printer = startTool('openssl', ['sess_id', '-in', session, '-text', '-noout']);
      await new Printed(printer).until(/session ticket lifetime hint: 1234 \(seconds\)/);
    },
  );
});

/** What s_client says, and how it ended here, when our server leaves as soon as the handshake is complete. */
async function leavingAtOnce(version: string, leave: (conn: Connection) => void) {
  const { port, closed } = await echoServer(credentials, {}, (echo) => ({
    ...echo,
    onOpen(conn) {
      echo.onOpen(conn);
      leave(conn);
    },
  }));
  const client = startTool('openssl', ['s_client', '-quiet', version, '-connect', `127.0.0.1:${port}`]);
  const { stderr } = await client.ended;
  return { stderr, closings: await closed.reach(1) };
}
