/** `upgrade` as `curl` sees it, and as a client sees it that sends lines behind its request. */
import { needsTool, startTool } from '@sluice-internal/foreign-programs';
import { beforeEach, describe, expect, it } from 'vitest';
import { lineClient } from './support/line-client.ts';
import { type ExampleServer, startServer } from './support/server.ts';

const ASKING = 'GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: capitals/1\r\n\r';
const SWITCHED = ['HTTP/1.1 101 Switching Protocols', 'Connection: Upgrade', 'Upgrade: capitals/1', ''];

function curl(...flags: string[]) {
  const quiet = ['--silent', '--show-error', '--no-buffer', '--insecure', '--noproxy', '*'];
  return startTool('curl', [...quiet, ...flags]);
}

describe('the upgrade server and curl', () => {
  beforeEach((context) => needsTool(context, 'curl'));

  it.each([
    ['http', []],
    ['https', ['--tls']],
  ])('answers curl, and goes over to lines when that asks for them, by %s', async (scheme, flags) => {
    const server = await startServer('upgrade', flags);
    const url = `${scheme}://127.0.0.1:${server.port}/`;
    const plain = curl(url);
    expect(Buffer.concat(await plain.child.stdout.toArray()).toString()).toContain('speaks capitals/1, too');
    const asking = ['-H', 'Connection: Upgrade', '-H', 'Upgrade: capitals/1'];
    const client = curl('--include', ...asking, url);
    let printed = '';
    let stopped: ReturnType<ExampleServer['stop']> | undefined;
    for await (const text of client.child.stdout) {
      printed += String(text);
      if (printed.endsWith('ready\n')) stopped = server.stop();
    }
    expect(printed.split('\r\n')).toEqual([...SWITCHED, 'ready\nthe server goes\n']);
    expect(await client.ended).toEqual({ code: 0, stderr: '' });
    expect(await stopped).toMatchObject({ code: 0, signal: null });
  });
});

describe('the upgrade server', () => {
  it('takes lines for lines, those that came behind the request included', async () => {
    const server = await startServer('upgrade');
    const client = await lineClient(server);
    client.send(`${ASKING}\nhello\nGET / HTTP/1.1`);
    const lines = async (count: number) => {
      const read: unknown[] = [];
      while (read.length < count) read.push(await client.nextLine());
      return read;
    };
    expect(await lines(SWITCHED.length)).toEqual(SWITCHED);
    expect(await lines(3)).toEqual(['ready', 'HELLO', 'GET / HTTP/1.1']);
    client.send('wor');
    client.send('ld');
    client.send('bye');
    expect(await lines(4)).toEqual(['WOR', 'LD', 'BYE', undefined]);
    await client.leave();
    expect(await server.stop()).toMatchObject({ code: 0, signal: null });
  });
});
