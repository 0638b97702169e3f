/** The TLS client against servers of three makes. */
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createServer, type TlsOptions } from 'node:tls';
import { type Issuer, selfSigned } from '@sluice-internal/certificates';
import { needsTool, startTool } from '@sluice-internal/foreign-programs';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { startExample } from './support/program.ts';
import { startServer } from './support/server.ts';
import { temporaryFolder } from './support/temporary-folder.ts';

describe('the TLS client', () => {
  let authority: Issuer;
  let leaf: Issuer;
  beforeAll(async () => {
    authority = await selfSigned({ name: 'Test authority', authority: true });
    leaf = await authority.issue({ name: 'localhost', dns: ['localhost'], ip: ['127.0.0.1'] });
  });

  /** Paths of certificate, key and authority, written for this test. */
  function files(): { cert: string; key: string; ca: string } {
    const folder = temporaryFolder();
    const write = (name: string, content: string) => {
      writeFileSync(join(folder, name), content);
      return join(folder, name);
    };
    return {
      cert: write('cert.pem', leaf.certificate),
      key: write('key.pem', leaf.key),
      ca: write('ca.pem', authority.certificate),
    };
  }

  it('tells what was negotiated with our server and whom it reached', async () => {
    const { cert, key, ca } = files();
    const server = await startServer('echo', ['--cert', cert, '--key', key]);
    const { code, stdout, stderr } = await client(server.port, '--ca', ca);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout.split('\n')).toEqual([
      'protocol   TLSv1.3',
      'cipher     TLS_AES_128_GCM_SHA256',
      'group      X25519MLKEM768',
      'alpn       -',
      'subject    CN=localhost',
      'issuer     CN=Test authority',
      expect.stringMatching(/^validity {3}\w{3} .* GMT to \w{3} .* GMT$/),
      expect.stringMatching(/^handshake {2}[\d.]+ ms, the TCP connect included$/),
      '',
    ]);
  });

  it.each(['TLSv1.2', 'TLSv1.3'] as const)("talks %s and ALPN with Node's own server", async (version) => {
    const port = await nodeServer({ maxVersion: version, ALPNProtocols: ['http/1.1'] });
    const { code, stdout, stderr } = await client(
      port,
      '--ca',
      files().ca,
      '--alpn',
      'h2',
      '--alpn',
      'http/1.1',
    );
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toContain(`protocol   ${version}\n`);
    expect(stdout).toContain('alpn       http/1.1\n');
  });

  it.for(['-tls1_2', '-tls1_3'])('talks with openssl s_server %s', async (version, context) => {
    needsTool(context, 'openssl');
    const { cert, key, ca } = files();
    const server = startTool('openssl', [
      's_server',
      '-accept',
      '127.0.0.1:0',
      version,
      '-cert',
      cert,
      '-key',
      key,
    ]);
    const port = await acceptedPort(server.child.stdout);
    const { code, stdout, stderr } = await client(port, '--ca', ca);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toContain('subject    CN=localhost\nissuer     CN=Test authority\n');
  });

  it('P39 refuses a certificate for another name', async () => {
    const flags = ['--ca', files().ca, '--servername', 'other.test'];
    await refuses(flags, /^ERR_TLS_HOSTNAME: The peer's certificate is for another name/);
  });

  it('P39 refuses a certificate that nobody it trusts has signed', async () => {
    await refuses([], /^ERR_TLS_VERIFY: The peer's certificate does not verify: /);
  });

  it('P39 connects to anybody with --insecure', async () => {
    const port = await nodeServer({});
    expect(await client(port, '--insecure', '--servername', 'other.test')).toMatchObject({
      code: 0,
      stderr: '',
    });
  });

  it('says that nobody listens', async () => {
    const { code, stdout, stderr } = await client(1);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toMatch(/^ECONNREFUSED: .*\n$/);
  });

  async function refuses(flags: readonly string[], reason: RegExp): Promise<void> {
    const port = await nodeServer({});
    const { code, stdout, stderr } = await client(port, ...flags);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toMatch(reason);
    expect(stderr.trimEnd().split('\n')).toHaveLength(1);
  }

  async function nodeServer(options: TlsOptions): Promise<number> {
    const server = createServer({ cert: leaf.certificate, key: leaf.key, ...options }, (socket) =>
      socket.resume(),
    );
    onTestFinished(() => {
      server.close();
    });
    await once(server.listen(0, '127.0.0.1'), 'listening');
    return (server.address() as { port: number }).port;
  }
});

function client(port: number, ...flags: string[]) {
  return startExample('tls-client', ['--port', String(port), ...flags]).ended;
}

/** The port that `openssl s_server` got from the kernel, as it prints it. */
async function acceptedPort(stdout: AsyncIterable<Buffer>): Promise<number> {
  let text = '';
  for await (const chunk of stdout) {
    text += chunk.toString();
    const [, port] = /^ACCEPT \S+:(\d+)$/m.exec(text) ?? [];
    if (port !== undefined) return Number(port);
  }
  throw new Error(`openssl s_server ended: ${text}`);
}
