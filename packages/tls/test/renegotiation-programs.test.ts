/** Renegotiation of TLS 1.2 with OpenSSL's and GnuTLS's own programs. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { tlsClient } from '@sluice/tls';
import { needsTool, startTool, type Tool } from '@sluice-internal/foreign-programs';
import { beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { type Credentials, makeCertificate } from './support/certificate.ts';
import { echoServer } from './support/echo-server.ts';
import { Party } from './support/party.ts';
import { testReactor } from './support/test-reactor.ts';

const CLEAN = { reason: 'clean', cause: undefined };
const OFTEN = { renegotiation: { limit: 1000 } };

let credentials: Credentials;
beforeAll(async () => {
  credentials = await makeCertificate();
});

describe('openssl', () => {
  beforeEach((context) => needsTool(context, 'openssl'));

  it('P23 s_client renegotiates, up to the limit', async () => {
    const server = await echoServer({ ...credentials, renegotiation: { limit: 2 } });
    const client = startTool('openssl', ['s_client', '-tls1_2', '-connect', `127.0.0.1:${server.port}`]);
    for (let round = 1; round <= 2; round += 1) {
      client.child.stdin.write('R\n');
      await client.complained(/RENEGOTIATING/);
      client.child.stdin.write('after\n');
      await printedBy(client, /^after$/m);
      expect(server.opened.items[0]!.tls?.renegotiations).toBe(round);
    }
    client.child.stdin.write('R\n');
    expect((await client.ended).stderr).toContain('no renegotiation');
    expect(await server.closed.reach(1)).toMatchObject([
      { reason: 'error', cause: { name: 'TlsError', code: 'ERR_TLS_TOO_MANY_RENEGOTIATIONS' } },
    ]);
  });

  it.each(['r', 'R'])('s_server has our client renegotiate with "%s"', async (command) => {
    const { cert, key } = credentials;
    const into = mkdtempSync(join(tmpdir(), 'sluice-renegotiation-'));
    onTestFinished(() => rmSync(into, { recursive: true, force: true }));
    const [certFile, keyFile] = [join(into, 'cert.pem'), join(into, 'key.pem')];
    writeFileSync(certFile, cert);
    writeFileSync(keyFile, key);
    const server = startTool('openssl', [
      's_server',
      ...['-accept', '127.0.0.1:0', '-tls1_2', '-cert', certFile, '-key', keyFile],
    ]);
    const [, port] = /ACCEPT \S+:(\d+)\n/.exec(await printedBy(server, /ACCEPT \S+:\d+\n/)) ?? [];
    const client = new Party();
    const transport = tlsClient({ ca: cert, servername: 'localhost', ...OFTEN });
    const conn = await testReactor().connect({ host: '127.0.0.1', port: Number(port), transport }, client);
    for (let round = 1; round <= 3; round += 1) {
      conn.write('before\n');
      await printedBy(server, /^before$/m);
      server.child.stdin.write(`${command}\n`);
      // What follows a command in the same read is lost on it.
      await printedBy(server, /SSL_do_handshake -> 1/);
      server.child.stdin.write('from the server\n');
      await client.heard(16 * round);
      conn.write('after\n');
      await printedBy(server, /^after$/m);
      expect(conn.tls?.renegotiations).toBe(round);
    }
    conn.destroy();
  });
});

describe('gnutls-cli', () => {
  beforeEach((context) => needsTool(context, 'gnutls-cli'));

  it('renegotiates when it is told to', async () => {
    const server = await echoServer({ ...credentials, renegotiation: { limit: 1 } });
    const client = startTool('gnutls-cli', [
      ...['--inline-commands', '--no-ca-verification', '--priority', 'NORMAL:-VERS-ALL:+VERS-TLS1.2'],
      ...['--port', String(server.port), '127.0.0.1'],
    ]);
    client.child.stdin.write('before\n');
    await printedBy(client, /^before$/m);
    client.child.stdin.write('^renegotiate^\n');
    await printedBy(client, /ReHandshake was completed/);
    client.child.stdin.write('after\n');
    await printedBy(client, /^after$/m);
    expect(server.opened.items[0]!.tls?.renegotiations).toBe(1);
    client.child.stdin.end();
    expect(await server.closed.reach(1)).toEqual([CLEAN]);
  });
});

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
