/** OpenSSL's and GnuTLS's own programs on the other end. */
import { createHash, randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Connection } from '@sluice/reactor';
import { tlsClient } from '@sluice/tls';
import { needsTool, startTool, type Tool } from '@sluice-internal/foreign-programs';
import { beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { type Credentials, makeCertificate } from './support/certificate.ts';
import { echoServer } from './support/echo-server.ts';
import { Party } from './support/party.ts';
import { testReactor } from './support/test-reactor.ts';

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

  it.each(['-tls1_2', '-tls1_3'])('s_client %s resumes its session', async (version) => {
    const { port } = await echoServer(credentials);
    const session = join(folder(), 'session.pem');
    const to = ['s_client', version, '-connect', `127.0.0.1:${port}`];
    const first = startTool('openssl', [...to, '-sess_out', session]);
    // A ticket of TLS 1.3 comes with or after the first bytes.
    first.child.stdin.write('ask\n');
    expect(await printedBy(first, /^ask$/m)).toContain('New, ');
    first.child.stdin.end();
    await first.ended;
    const second = startTool('openssl', [...to, '-sess_in', session]);
    second.child.stdin.write('ask\n');
    expect(await printedBy(second, /^ask$/m)).toContain('Reused, ');
    second.child.stdin.end();
    await second.ended;
  });

  it.each(['-tls1_2', '-tls1_3'])(
    's_client %s is told how long its session may be resumed',
    async (version) => {
      const { port } = await echoServer({ ...credentials, sessionTimeoutSeconds: 1234 });
      const session = join(folder(), 'session.pem');
      const to = ['s_client', version, '-connect', `127.0.0.1:${port}`];
      const client = startTool('openssl', [...to, '-sess_out', session]);
      client.child.stdin.write('ask\n');
      await printedBy(client, /^ask$/m);
      client.child.stdin.end();
      await client.ended;
      const printer = startTool('openssl', ['sess_id', '-in', session, '-text', '-noout']);
      await printedBy(printer, /session ticket lifetime hint: 1234 \(seconds\)/);
    },
  );

  it('P23 s_client may update its keys, and ask us to update ours', async () => {
    const { port, closed } = await echoServer(credentials);
    const client = startTool('openssl', ['s_client', '-tls1_3', '-connect', `127.0.0.1:${port}`]);
    for (const command of ['k', 'K']) {
      client.child.stdin.write('before\n');
      await printedBy(client, /^before$/m);
      client.child.stdin.write(`${command}\n`);
      await client.complained(/KEYUPDATE/);
      client.child.stdin.write('after\n');
      await printedBy(client, /^after$/m);
    }
    client.child.stdin.end();
    await client.ended;
    expect(await closed.reach(1)).toEqual([CLEAN]);
  });

  it('P23 s_client may not renegotiate', async () => {
    const { port, closed } = await echoServer(credentials);
    const client = startTool('openssl', ['s_client', '-tls1_2', '-connect', `127.0.0.1:${port}`]);
    client.child.stdin.write('before\n');
    await printedBy(client, /^before$/m);
    client.child.stdin.write('R\n');
    expect((await client.ended).stderr).toContain('no renegotiation');
    // OpenSSL's client gives up when it is told so; nothing of ours does.
    const [closing] = await closed.reach(1);
    expect(closing).toMatchObject({ reason: 'error', cause: { name: 'TlsError', code: 'ERR_TLS_ALERT' } });
  });

  it.each(['-tls1_2', '-tls1_3'])(
    's_server %s says that our client resumes, as ours does',
    async (version) => {
      const { cert, key } = files();
      const flags = ['-accept', '127.0.0.1:0', version, '-cert', cert, '-key', key];
      const server = startTool('openssl', ['s_server', ...flags]);
      const [, port] = /ACCEPT \S+:(\d+)\n/.exec(await printedBy(server, /ACCEPT \S+:\d+\n/)) ?? [];
      const transport = tlsClient({ ca: credentials.cert, servername: 'localhost' });
      const seen: unknown[] = [];
      for (let round = 0; round < 3; round += 1) {
        const party = new Party();
        const conn = await testReactor().connect({ host: '127.0.0.1', port: Number(port), transport }, party);
        conn.write('ask\n');
        const printed = await printedBy(server, /^ask$/m);
        server.child.stdin.write('answer\n');
        await party.heard(7);
        seen.push([conn.tls?.resumed, printed.includes('Reused session-id')]);
        conn.close();
        await party.closed.reach(1);
      }
      expect(seen).toEqual([
        [false, false],
        [true, true],
        [true, true],
      ]);
    },
  );

  it.each(['-tls1_2', '-tls1_3'])('s_server %s turns around what our client says', async (version) => {
    const { cert, key } = files();
    const flags = ['-accept', '127.0.0.1:0', '-rev', version, '-cert', cert, '-key', key];
    const server = startTool('openssl', ['s_server', ...flags]);
    const [, port] = /ACCEPT \S+:(\d+)\n/.exec(await printedBy(server, /ACCEPT \S+:\d+\n/)) ?? [];
    const party = new Party();
    const transport = tlsClient({ ca: credentials.cert, servername: 'localhost' });
    const conn = await testReactor().connect({ host: '127.0.0.1', port: Number(port), transport }, party);
    expect(conn.tls?.protocol).toBe(version === '-tls1_2' ? 'TLSv1.2' : 'TLSv1.3');
    conn.write('Sluice\n');
    expect((await party.heard(7)).toString()).toBe('eciulS\n');
    conn.end();
    expect((await party.closed.reach(1))[0]).toMatchObject({
      reason: expect.stringMatching(/clean|truncated/),
    });
  });
});

describe('gnutls-cli', () => {
  beforeEach((context) => needsTool(context, 'gnutls-cli'));

  it.each(['1.2', '1.3'])(
    'exchanges lines with our server over TLS %s, and both end in order',
    async (version) => {
      const { port, closed } = await echoServer(credentials);
      const trust = [
        '--x509cafile',
        files().cert,
        '--verify-hostname',
        'localhost',
        '--sni-hostname',
        'localhost',
      ];
      const priority = ['--priority', `NORMAL:-VERS-ALL:+VERS-TLS${version}`];
      const client = startTool('gnutls-cli', [...trust, ...priority, '--port', String(port), '127.0.0.1']);
      expect(await printedBy(client, /Simple Client Mode/)).toContain(`(TLS${version}-`);
      client.child.stdin.write('from GnuTLS\n');
      await printedBy(client, /^from GnuTLS$/m);
      client.child.stdin.end();
      expect((await client.ended).code).toBe(0);
      expect(await closed.reach(1)).toEqual([CLEAN]);
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

/** All that `tool` has printed from now on, up to where `pattern` is found. */
async function printedBy(tool: Tool, pattern: RegExp): Promise<string> {
  let text = '';
  return new Promise((resolve, reject) => {
    const onData = (chunk: Buffer) => {
      text += chunk.toString();
      if (!pattern.test(text)) return;
      tool.child.stdout.off('data', onData);
      resolve(text);
    };
    tool.child.stdout.on('data', onData);
    void tool.ended.then(({ stderr }) => reject(new Error(`it ended without ${pattern}: ${text}${stderr}`)));
  });
}

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'sluice-peers-'));
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

function files() {
  const into = folder();
  const [cert, key] = [join(into, 'cert.pem'), join(into, 'key.pem')];
  writeFileSync(cert, credentials.cert);
  writeFileSync(key, credentials.key);
  return { cert, key };
}
