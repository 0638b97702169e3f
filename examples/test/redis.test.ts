/** `redis` as redis-cli and redis-benchmark see it, and as peers do that keep to no protocol. */
import { once } from 'node:events';
import { connect } from 'node:net';
import { needsTool, startTool } from '@sluice-internal/foreign-programs';
import { describe, expect, it } from 'vitest';
import { type ExampleServer, startServer } from './support/server.ts';

/** What redis-cli prints that is given these commands, a line each. */
async function ask(server: ExampleServer, ...commands: string[]): Promise<string[]> {
  const client = startTool('redis-cli', ['-h', server.host, '-p', `${server.port}`]);
  client.child.stdin.end(commands.map((command) => `${command}\n`).join(''));
  const printed = Buffer.concat((await client.child.stdout.toArray()) as Buffer[]).toString();
  expect(await client.ended).toEqual({ code: 0, stderr: '' });
  return printed.split('\n').filter((line) => line !== '');
}

/** Everything that comes back until the server ends, to bytes that are sent as they are, in pieces of `size`. */
async function answerTo(server: ExampleServer, bytes: string, size = bytes.length): Promise<string> {
  const socket = connect({ host: server.host, port: server.port, noDelay: true });
  await once(socket, 'connect');
  const ended = socket.setEncoding('latin1').toArray();
  for (let at = 0; at < bytes.length; at += size)
    await new Promise((sent) => socket.write(bytes.slice(at, at + size), 'latin1', sent));
  socket.end();
  return (await ended).join('');
}

describe('the Redis server', () => {
  it('keeps what redis-cli gives it', async (context) => {
    needsTool(context, 'redis-cli');
    const server = await startServer('redis');
    expect(
      await ask(
        server,
        'ping',
        'set a "two words"',
        'get a',
        'incr n',
        'incr n',
        'echo hi',
        'del a n none',
        'get n',
      ),
    ).toEqual(['PONG', 'OK', 'two words', '1', '2', 'hi', '2']);
    expect(await ask(server, 'set a x', 'incr a', 'nothing', 'get')).toEqual([
      'OK',
      'ERR value is not an integer or out of range',
      "ERR unknown command 'nothing'",
      "ERR wrong number of arguments for 'get' command",
    ]);
    expect(await server.stop()).toMatchObject({ code: 0, signal: null });
  });

  it('stands redis-benchmark with sixteen commands in flight', async (context) => {
    needsTool(context, 'redis-benchmark');
    const server = await startServer('redis');
    const to = ['-h', server.host, '-p', `${server.port}`];
    const client = startTool('redis-benchmark', [
      ...to,
      '-t',
      'ping,set,get',
      '-P',
      '16',
      '-n',
      '20000',
      '--csv',
    ]);
    const printed = Buffer.concat((await client.child.stdout.toArray()) as Buffer[]).toString();
    expect(await client.ended).toMatchObject({ code: 0 });
    const rates = [...printed.matchAll(/^"(\w+)","([\d.]+)"/gm)].map(([, name, rate]) => [
      name,
      Number(rate) > 0,
    ]);
    expect(rates).toEqual([
      ['PING_INLINE', true],
      ['PING_MBULK', true],
      ['SET', true],
      ['GET', true],
    ]);
    expect(await server.stop()).toMatchObject({ code: 0, signal: null });
  });

  it.for([1, 7, 1_000])('answers what comes in pieces of %i bytes, in order', async (size) => {
    const server = await startServer('redis');
    const long = 'x'.repeat(100);
    const asked = `PING\r\n\r\n*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$100\r\n${long}\r\n*2\r\n$3\r\nget\r\n$1\r\nk\r\nGET none\n*0\r\nQUIT\r\nPING\r\n`;
    expect(await answerTo(server, asked, size)).toBe(`+PONG\r\n+OK\r\n$100\r\n${long}\r\n$-1\r\n+OK\r\n`);
  });

  it.for<[string, string]>([
    ['*x\r\n', 'invalid length'],
    ['*1025\r\n', 'invalid length'],
    ['*1\r\n:1\r\n', "expected '$'"],
    ['*1\r\n$1048577\r\n', 'invalid length'],
    ['a'.repeat(65_537), 'too big inline request'],
  ])('tells a peer what is wrong and leaves: %s', async ([bytes, problem]) => {
    const server = await startServer('redis');
    expect(await answerTo(server, bytes)).toBe(`-ERR Protocol error: ${problem}\r\n`);
    expect(await server.stop()).toMatchObject({ code: 0, signal: null });
  });
});
