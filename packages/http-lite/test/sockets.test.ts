import { execFile } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { Agent, type IncomingMessage, type RequestOptions, request } from 'node:http';
import { connect } from 'node:net';
import { promisify } from 'node:util';
import { type HttpHandler, http } from '@sluice/http-lite';
import { createReactor, type Reactor } from '@sluice/reactor';
import { needsTool } from '@sluice-internal/foreign-programs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parseAnswers } from './answers.ts';

const run = promisify(execFile);
const TEN_MIB = randomBytes(10 * 1024 * 1024);
const digest = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

let reactor: Reactor;
let port: number;
let errors: unknown[];

/** Tells what it was asked; a body is told by its length and digest, or sent back. */
const handler: HttpHandler = async (req, res) => {
  if (req.target === '/echo') {
    for await (const piece of req.body) if (!res.write(piece)) await res.drained();
    res.end();
    return;
  }
  const bytes = await req.body.bytes();
  res.setHeader('Content-Type', 'text/plain');
  res.end(req.hasBody ? `${bytes.length} ${digest(bytes)}` : `${req.method} ${req.target}`);
};

beforeEach(async () => {
  errors = [];
  reactor = createReactor({ poisonReads: true, onError: (error) => errors.push(error) });
  const protocol = http(handler, { onError: (error) => errors.push(error) });
  const server = await reactor.listen({ port: 0, host: '127.0.0.1' }, protocol);
  port = server.address()?.port ?? 0;
});

afterEach(async () => {
  await reactor.shutdown({ deadlineMs: 0 });
  expect(errors).toEqual([]);
});

/** One request of Node's own client. */
async function ask(
  options: RequestOptions,
  body?: Uint8Array,
): Promise<{ message: IncomingMessage; body: Buffer }> {
  const outgoing = request({ host: '127.0.0.1', port, ...options });
  outgoing.end(body);
  const [message] = (await once(outgoing, 'response')) as [IncomingMessage];
  const pieces: Buffer[] = [];
  for await (const piece of message) pieces.push(piece as Buffer);
  return { message, body: Buffer.concat(pieces) };
}

/** Sends bytes, and collects what comes until the server ends. */
async function converse(wire: string | Uint8Array): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  socket.write(wire);
  const pieces: Buffer[] = [];
  for await (const piece of socket) pieces.push(piece as Buffer);
  return Buffer.concat(pieces).toString('latin1');
}

describe('Node’s client over real sockets', () => {
  it('gets answers on one connection', async () => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    for (let count = 0; count < 20; count++) {
      const { message, body } = await ask({ path: `/${count}`, agent });
      expect([message.statusCode, String(body)]).toEqual([200, `GET /${count}`]);
    }
    expect(Object.values(agent.freeSockets).flat()).toHaveLength(1);
    agent.destroy();
  });

  it('posts 10 MiB with a length', async () => {
    const { body } = await ask({ method: 'POST', headers: { 'Content-Length': TEN_MIB.length } }, TEN_MIB);
    expect(String(body)).toBe(`${TEN_MIB.length} ${digest(TEN_MIB)}`);
  });

  it('posts 10 MiB in chunks', async () => {
    const { body } = await ask({ method: 'POST', headers: { 'Transfer-Encoding': 'chunked' } }, TEN_MIB);
    expect(String(body)).toBe(`${TEN_MIB.length} ${digest(TEN_MIB)}`);
  });

  it('gets 10 MiB back as they were, under backpressure on both sides', async () => {
    const { message, body } = await ask({ method: 'POST', path: '/echo' }, TEN_MIB);
    expect(message.headers['transfer-encoding']).toBe('chunked');
    expect(digest(body)).toBe(digest(TEN_MIB));
  });

  it('gets a HEAD', async () => {
    const { message, body } = await ask({ method: 'HEAD', path: '/x' });
    expect([message.headers['content-length'], body.length]).toEqual(['7', 0]);
  });

  it('is told to go on when it expects that', async () => {
    const outgoing = request({
      host: '127.0.0.1',
      port,
      method: 'POST',
      headers: { Expect: '100-continue' },
    });
    outgoing.flushHeaders();
    await once(outgoing, 'continue');
    outgoing.end('hello');
    const [message] = (await once(outgoing, 'response')) as [IncomingMessage];
    message.resume();
    expect(message.statusCode).toBe(200);
  });
});

describe('what comes before, behind and instead of a body', () => {
  /** Serves one more handler, on a port of its own. */
  async function serveAlso(also: HttpHandler): Promise<number> {
    const protocol = http(also, { onError: (error) => errors.push(error) });
    const server = await reactor.listen({ port: 0, host: '127.0.0.1' }, protocol);
    return server.address()!.port;
  }

  it('interim answers and trailer fields reach Node’s client, and its own reach us', async () => {
    const also = await serveAlso(async (req, res) => {
      res.writeEarlyHints({ Link: '</a.css>; rel=preload' });
      const text = await req.body.text();
      res.setHeader('Trailer', 'X-Length');
      res.write(`${text} ${req.trailers.get('x-sum')}`);
      res.setTrailer('X-Length', String(text.length)).end();
    });
    const outgoing = request({
      host: '127.0.0.1',
      port: also,
      method: 'POST',
      headers: { Expect: '100-continue', Trailer: 'X-Sum', 'Transfer-Encoding': 'chunked' },
    });
    const seen: unknown[] = [];
    outgoing.on('information', ({ statusCode, headers }) => seen.push([statusCode, headers['link']]));
    outgoing.flushHeaders();
    await once(outgoing, 'continue');
    outgoing.addTrailers({ 'X-Sum': '42' });
    outgoing.end('hello');
    const [message] = (await once(outgoing, 'response')) as [IncomingMessage];
    const pieces: Buffer[] = [];
    for await (const piece of message) pieces.push(piece as Buffer);
    expect(String(Buffer.concat(pieces))).toBe('hello 42');
    expect(message.trailers).toEqual({ 'x-length': '5' });
    expect(seen).toEqual([
      [103, '</a.css>; rel=preload'],
      [100, undefined],
    ]);
  });

  for (const how of ['destroys its socket', 'resets its connection', 'ends its side'] as const) {
    it(`a client that ${how} while it waits aborts the signal of its request`, async () => {
      let called = () => {};
      const waits = new Promise<void>((resolve) => {
        called = resolve;
      });
      let signal: AbortSignal | undefined;
      const aborted = serveAlso(async (req) => {
        signal = req.signal;
        called();
        await once(req.signal, 'abort');
        req.connection.destroy();
      });
      const socket = connect(await aborted, '127.0.0.1');
      socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
      await waits;
      expect(signal?.aborted).toBe(false);
      const ended = once(signal!, 'abort');
      if (how === 'destroys its socket') socket.destroy();
      else if (how === 'resets its connection') socket.resetAndDestroy();
      else socket.end();
      await ended;
      const code = how === 'resets its connection' ? 'ERR_HTTP_PEER_GONE' : 'ERR_HTTP_PEER_ENDED';
      expect(signal?.reason).toMatchObject({ code });
    });
  }
});

describe('an answer that breaks off', () => {
  for (const version of ['1.0', '1.1']) {
    it(`is no whole one to HTTP/${version}, although only the close would end it there`, async () => {
      let breakOff = () => {};
      const gate = new Promise<void>((resolve) => {
        breakOff = resolve;
      });
      const handler: HttpHandler = async (_req, res) => {
        res.write('half');
        await gate;
        throw new Error('on purpose');
      };
      const protocol = http(handler, { onError: () => {} });
      const server = await reactor.listen({ port: 0, host: '127.0.0.1' }, protocol);
      const socket = connect(server.address()!.port, '127.0.0.1');
      socket.write(`GET / HTTP/${version}\r\nHost: a\r\n\r\n`);
      const [piece] = (await once(socket, 'data')) as [Buffer];
      expect(String(piece)).toMatch(/half(\r\n)?$/);
      breakOff();
      await expect(once(socket, 'end')).rejects.toMatchObject({ code: 'ECONNRESET' });
    });
  }
});

describe('raw sockets', () => {
  it('a thousand pipelined requests are answered in order, the last with the close', async () => {
    const wire = Array.from({ length: 1000 }, (_, n) => `GET /${n} HTTP/1.1\r\nHost: a\r\n\r\n`).join('');
    const sent = await converse(wire.replace(/\r\n\r\n$/, '\r\nConnection: close\r\n\r\n'));
    expect(parseAnswers(sent).map(({ body }) => body)).toEqual(
      Array.from({ length: 1000 }, (_, n) => `GET /${n}`),
    );
  });

  it('garbage gets a 400 and the close, and nothing of it is lost to a reset', async () => {
    const garbage = Buffer.concat([Buffer.from('GET / HTTP/1.1\nHost: a\n\n'), randomBytes(1024 * 1024)]);
    expect(parseAnswers(await converse(garbage))).toMatchObject([
      { status: 400, headers: { connection: 'close' } },
    ]);
  });

  it('a request that came in time is answered, however long this thread looked away', async () => {
    const limits = { keepAliveTimeoutMs: 100 };
    const protocol = http((req, res) => res.end(req.target), { limits });
    const server = await reactor.listen({ port: 0, host: '127.0.0.1' }, protocol);
    const socket = connect(server.address()!.port, '127.0.0.1');
    const pieces = socket[Symbol.asyncIterator]();
    const answer = async () => parseAnswers(String((await pieces.next()).value ?? ''));
    socket.write('GET /1 HTTP/1.1\r\nHost: a\r\n\r\n');
    expect(await answer()).toMatchObject([{ body: '/1' }]);
    socket.write('GET /2 HTTP/1.1\r\nHost: a\r\n\r\n');
    // It is in the kernel now, and every timer is due before anybody reads it.
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 3 * limits.keepAliveTimeoutMs);
    expect(await answer()).toMatchObject([{ body: '/2' }]);
    expect(protocol.stats().limited.keepAliveTimeoutMs).toBe(0);
    socket.destroy();
  });

  it('a half-closed connection gets its answers, then the end', async () => {
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
    socket.end('GET /1 HTTP/1.1\r\nHost: a\r\n\r\nGET /2 HTTP/1.1\r\nHost: a\r\n\r\n');
    const pieces: Buffer[] = [];
    for await (const piece of socket) pieces.push(piece as Buffer);
    expect(parseAnswers(Buffer.concat(pieces).toString('latin1'))).toMatchObject([
      { body: 'GET /1' },
      { body: 'GET /2' },
    ]);
  });
});

describe('curl', () => {
  const curl = async (...args: string[]) => (await run('curl', ['-sS', '--max-time', '20', ...args])).stdout;

  it('gets, heads and posts', async (context) => {
    needsTool(context, 'curl');
    const url = `http://127.0.0.1:${port}`;
    expect(await curl(`${url}/a?b`)).toBe('GET /a?b');
    expect(await curl('-I', `${url}/a`)).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
    expect(await curl('-d', 'hello', url)).toBe(`5 ${digest(Buffer.from('hello'))}`);
    expect(await curl('-H', 'Transfer-Encoding: chunked', '-d', 'hello', `${url}/echo`)).toBe('hello');
    expect(await curl('-0', `${url}/old`)).toBe('GET /old');
    expect(await curl(`${url}/1`, `${url}/2`)).toBe('GET /1GET /2');
  });
});
