/** `proxy` between curl and our HTTP server, and between bare sockets. */
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { connect as connectTcp, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { connect as connectTls } from 'node:tls';
import { selfSigned } from '@sluice-internal/certificates';
import { needsTool, startTool } from '@sluice-internal/foreign-programs';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { digestOf } from './support/checksum.ts';
import { startExample } from './support/program.ts';
import { randomFile } from './support/random-file.ts';
import { startServer } from './support/server.ts';
import { temporaryFolder } from './support/temporary-folder.ts';

describe('curl through the proxy', () => {
  beforeEach((context) => needsTool(context, 'curl'));

  it('P47 gets 16 MiB back unchanged from a server without TLS', async () => {
    const http = await startServer('http');
    await sendsBack(`tcp://127.0.0.1:${http.port}`);
    expect(await http.stop()).toMatchObject({ code: 0, signal: null });
  });

  it('P47 gets 16 MiB back unchanged from a server with TLS, which is verified', async () => {
    const { certificate, key } = await selfSigned({
      name: 'localhost',
      dns: ['localhost'],
      ip: ['127.0.0.1'],
    });
    const folder = temporaryFolder();
    const [cert, keyFile] = [join(folder, 'cert.pem'), join(folder, 'key.pem')];
    writeFileSync(cert, certificate);
    writeFileSync(keyFile, key);
    const http = await startServer('http', ['--cert', cert, '--key', keyFile]);
    await sendsBack(`tls://127.0.0.1:${http.port}`, '--ca', cert);
  });

  async function sendsBack(to: string, ...flags: string[]): Promise<void> {
    const proxy = await startServer('proxy', ['--tls', '--to', to, ...flags]);
    const { path, ...sent } = randomFile(16);
    const quiet = ['--silent', '--show-error', '--fail', '--insecure', '--noproxy', '*'];
    const post = ['--request', 'POST', '--upload-file', path];
    const client = startTool('curl', [...quiet, ...post, `https://127.0.0.1:${proxy.port}/`]);
    expect(await digestOf(client.child.stdout)).toEqual(sent);
    expect(await client.ended).toEqual({ code: 0, stderr: '' });
    expect(await proxy.stop()).toMatchObject({ code: 0, signal: null });
  }
});

describe('between a client with TLS and a bare server', () => {
  it('P28 P25 each end is carried through, and the other direction goes on: 16 MiB each way', async () => {
    const { port, accepted } = await bareServer();
    const proxy = await startServer('proxy', ['--tls', '--to', `tcp://127.0.0.1:${port}`]);
    const client = connectTls({
      host: '127.0.0.1',
      port: proxy.port,
      rejectUnauthorized: false,
      allowHalfOpen: true,
    } as never);
    onTestFinished(() => void client.destroy());
    const [there, back] = [randomBytes(16 * 1024 * 1024), randomBytes(16 * 1024 * 1024)];
    client.end(there);
    const server = await accepted;
    expect((await received(server)).equals(there)).toBe(true);
    server.end(back);
    expect((await received(client)).equals(back)).toBe(true);
    expect(await proxy.stop()).toMatchObject({ code: 0, stderr: expect.stringContaining('cut 0') });
  });

  it('P26 a server that breaks off breaks the client off', async () => {
    const { port, accepted } = await bareServer();
    const proxy = await startServer('proxy', ['--to', `tcp://127.0.0.1:${port}`]);
    const client = connectTcp({ host: '127.0.0.1', port: proxy.port });
    const broken = once(client.resume(), 'error');
    client.write('hello');
    const server = await accepted;
    await once(server, 'data');
    server.resetAndDestroy();
    expect(await broken).toMatchObject([{ code: 'ECONNRESET' }]);
    expect(await proxy.stop()).toMatchObject({ code: 0, signal: null });
  });

  it('P31 a client that leaves takes the connection behind it along', async () => {
    const { port, accepted } = await bareServer();
    const proxy = await startServer('proxy', ['--to', `tcp://127.0.0.1:${port}`]);
    const client = connectTcp({ host: '127.0.0.1', port: proxy.port });
    client.write('hello');
    const server = await accepted;
    await once(server, 'data');
    const broken = once(server.resume(), 'error');
    client.resetAndDestroy();
    expect(await broken).toMatchObject([{ code: 'ECONNRESET' }]);
    expect(await proxy.stop()).toMatchObject({ code: 0, signal: null });
  });

  it('a server that is not there is said, and the client is let go', async () => {
    const { port, close } = await bareServer();
    await close();
    const proxy = await startServer('proxy', ['--to', `tcp://127.0.0.1:${port}`]);
    const client = connectTcp({ host: '127.0.0.1', port: proxy.port });
    expect(await once(client.resume(), 'error')).toMatchObject([{ code: 'ECONNRESET' }]);
    await proxy.printed(/ECONNREFUSED|Connection refused/i, 'stderr');
  });
});

it.each([
  ['nowhere', /Invalid URL/],
  ['udp://127.0.0.1:53', /--to must be tcp/],
])('refuses to go to %s', async (to, reason) => {
  const { code, stderr } = await startExample('proxy', ['--to', to]).ended;
  expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringMatching(reason) });
});

/** All that comes until the other side ends; ours stays open. */
async function received(socket: Socket): Promise<Buffer> {
  const chunks: Buffer[] = [];
  await once(
    socket.on('data', (chunk: Buffer) => chunks.push(chunk)),
    'end',
  );
  return Buffer.concat(chunks);
}

/** A server of Node's own, which reads nothing until it is told. */
async function bareServer() {
  const sockets: Socket[] = [];
  const server = createServer({ allowHalfOpen: true }, (socket) => void sockets.push(socket));
  const accepted = once(server, 'connection').then(([socket]) => socket as Socket);
  const close = () => new Promise<void>((resolve) => server.close(() => resolve()));
  onTestFinished(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return { port: (server.address() as { port: number }).port, accepted, close };
}
