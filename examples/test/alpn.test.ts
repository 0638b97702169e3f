/** `alpn --tls` as curl, openssl and Node's https see it: one port, two protocols. */
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { Agent, get } from 'node:https';
import { text } from 'node:stream/consumers';
import { needsTool, startTool } from '@sluice-internal/foreign-programs';
import { describe, expect, it } from 'vitest';
import { lineClient } from './support/line-client.ts';
import { type ExampleServer, startServer } from './support/server.ts';

const GREETING = 'Hello by HTTP!\n';

describe('one port', () => {
  it('is HTTP for curl, whether it offers HTTP/2 too, HTTP/1.1 only, or no protocol', async (context) => {
    needsTool(context, 'curl');
    const server = await startServer('alpn', ['--tls']);
    for (const flags of [[], ['--http1.1'], ['--no-alpn'], ['--http1.0'], ['--tls-max', '1.2']]) {
      const quiet = ['--silent', '--show-error', '--insecure', '--noproxy', '*'];
      const client = startTool('curl', [...quiet, ...flags, `https://127.0.0.1:${server.port}/`]);
      expect([flags, await text(client.child.stdout)]).toEqual([flags, GREETING]);
      expect(await client.ended).toEqual({ code: 0, stderr: '' });
    }
  });

  it("is HTTP for Node's https", async () => {
    const server = await startServer('alpn', ['--tls']);
    const agent = new Agent({ rejectUnauthorized: false });
    const [response] = (await once(get({ host: '127.0.0.1', port: server.port, agent }), 'response')) as [
      IncomingMessage,
    ];
    expect(await text(response)).toBe(GREETING);
    agent.destroy();
  });

  it.for(['-tls1_2', '-tls1_3'])('is echo for openssl -alpn echo %s', async (version, context) => {
    needsTool(context, 'openssl');
    const server = await startServer('alpn', ['--tls']);
    const client = openssl(server, version, '-alpn', 'nothing,echo', '-quiet');
    client.child.stdin.write('what I said\n');
    const [chunk] = await once(client.child.stdout, 'data');
    expect(String(chunk)).toBe('what I said\n');
  });

  it('refuses a client that offers something else only, which hears why (RFC 7301 section 3.2)', async (context) => {
    needsTool(context, 'openssl');
    const server = await startServer('alpn', ['--tls']);
    const client = openssl(server, '-alpn', 'smtp');
    const { stderr } = await client.ended;
    expect(stderr).toContain('no application protocol');
    await server.printed(/no application protocol \(ALPN\) that is served here/, 'stderr');
  });

  it('is HTTP without TLS', async () => {
    const client = await lineClient(await startServer('alpn'));
    client.send('GET / HTTP/1.0\r\n\r');
    expect(await client.nextLine()).toBe('HTTP/1.1 200 OK');
  });
});

function openssl({ port }: ExampleServer, ...flags: string[]) {
  return startTool('openssl', ['s_client', '-connect', `127.0.0.1:${port}`, ...flags]);
}
