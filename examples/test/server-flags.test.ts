/** The flags that every example server takes, and what it says when one of them cannot be. */
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { selfSigned } from '@sluice-internal/certificates';
import { describe, expect, it, onTestFinished } from 'vitest';
import { lineClient } from './support/line-client.ts';
import { startExample } from './support/program.ts';
import { startServer } from './support/server.ts';
import { temporaryFolder } from './support/temporary-folder.ts';

describe('an example server', () => {
  it('prints one line when it is ready and nothing else to standard output', async () => {
    const server = await startServer('echo');
    const { code, stdout } = await server.stop();
    expect(code).toBe(0);
    expect(stdout).toBe(`listening on 127.0.0.1:${server.port}\n`);
  });

  it('listens on the address of --host', async () => {
    const server = await startServer('echo', ['--host', '127.0.0.2']);
    expect(server.host).toBe('127.0.0.2');
    const client = await lineClient(server);
    client.send('hello');
    expect(await client.nextLine()).toBe('hello');
  });

  it('listens on the port of --port', async () => {
    const port = await freePort();
    expect((await startServer('echo', ['--port', String(port)])).port).toBe(port);
  });

  it('presents the certificate of --cert and --key', async () => {
    const { certificate, key } = await selfSigned({ name: 'from-a-file.test', dns: ['from-a-file.test'] });
    const server = await startServer('echo', [
      '--cert',
      file('cert.pem', certificate),
      '--key',
      file('key.pem', key),
    ]);
    const client = await lineClient(server, { ca: certificate, servername: 'from-a-file.test' });
    client.send('sealed');
    expect(await client.nextLine()).toBe('sealed');
  });

  it('makes a certificate of its own with --tls', async () => {
    const server = await startServer('echo', ['--tls']);
    const client = await lineClient(server, { rejectUnauthorized: false });
    expect(client.subject).toBe('localhost');
    client.send('sealed');
    expect(await client.nextLine()).toBe('sealed');
  });
});

describe('an example server that cannot start exits with 1 and one line that says why', () => {
  it.each([
    ['an unknown flag', ['--prot', '1'], /^ERR_PARSE_ARGS_UNKNOWN_OPTION: Unknown option '--prot'/],
    ['a port that is no number', ['--port', 'abc'], /^--port must be a number, not 'abc'/],
    [
      'a port out of range',
      ['--port', '70000'],
      /^ERR_OPTION_VALUE: port must be an integer from 0 to 65535/,
    ],
    ['--cert without --key', ['--cert', 'x.pem'], /^--cert and --key go together/],
    ['a host that does not exist', ['--host', 'no.such.host.invalid'], /^ERR_HOST: No address for host/],
    ['an address of another machine', ['--host', '192.0.2.1'], /^EADDRNOTAVAIL: /],
    [
      'a certificate that cannot be read',
      ['--cert', '/does/not/exist.pem', '--key', '/does/not/exist.pem'],
      /^ERR_TLS_FILE: '\/does\/not\/exist\.pem' cannot be read \(ENOENT\)/,
    ],
  ])('%s', async (_what, flags, reason) => {
    await refuses(flags, reason);
  });

  it('a certificate that is not PEM', async () => {
    const { key } = await selfSigned({ name: 'localhost' });
    const flags = ['--cert', file('cert.pem', 'not a certificate'), '--key', file('key.pem', key)];
    await refuses(flags, /^ERR_TLS_CERTIFICATE: /);
  });

  it('a key that is not PEM', async () => {
    const { certificate } = await selfSigned({ name: 'localhost' });
    const flags = ['--cert', file('cert.pem', certificate), '--key', file('key.pem', 'not a key')];
    await refuses(flags, /^ERR_TLS_KEY: /);
  });

  it('P37 a key of another certificate', async () => {
    const [one, other] = await Promise.all([selfSigned({ name: 'one' }), selfSigned({ name: 'other' })]);
    const flags = ['--cert', file('cert.pem', one.certificate), '--key', file('key.pem', other.key)];
    await refuses(flags, /^ERR_TLS_KEY_MISMATCH: /);
  });

  it.each(['1', '2'])('a port that is in use, with %s workers', async (workers) => {
    const holder = createServer().listen(0, '127.0.0.1');
    onTestFinished(() => {
      holder.close();
    });
    await once(holder, 'listening');
    const { port } = holder.address() as { port: number };
    await refuses(['--port', String(port), '--workers', workers], /^EADDRINUSE: /);
  });
});

async function refuses(flags: readonly string[], reason: RegExp): Promise<void> {
  const { code, stdout, stderr } = await startExample('echo', flags).ended;
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
  expect(stderr).toMatch(reason);
  expect(stderr.trimEnd().split('\n')).toHaveLength(1);
}

/** A port that is free at the moment: taken from the kernel and given back. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
}

function file(name: string, content: string): string {
  const path = join(temporaryFolder(), name);
  writeFileSync(path, content);
  return path;
}
