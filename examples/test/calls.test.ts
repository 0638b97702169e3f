/**
 * What a unit of work calls in the addon. These are counts, not times: a change that needs more of them has to say so here.
 */
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { connect as connectTls } from 'node:tls';
import { echo } from '@sluice/echo';
import { http } from '@sluice/http-lite';
import { createReactor, openFolder, type Protocol, type Reactor } from '@sluice/reactor';
import { tls } from '@sluice/tls';
import { selfSigned } from '@sluice-internal/certificates';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { CallCounter } from './support/count-calls.ts';
import { temporaryFolder } from './support/temporary-folder.ts';

const REQUEST = 'GET /file HTTP/1.1\r\nHost: localhost\r\n\r\n';
const TIMES = 10;

let calls: CallCounter;
let reactor: Reactor;
let credentials: { readonly cert: string; readonly key: string };
const sockets: Socket[] = [];

beforeAll(async () => {
  const { certificate: cert, key } = await selfSigned({ name: 'localhost' });
  credentials = { cert, key };
});

beforeEach(() => {
  calls = new CallCounter();
  reactor = createReactor();
});

afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  await reactor.shutdown({ deadlineMs: 0 });
  calls.restore();
});

async function listen<State>(protocol: Protocol<State>, sealed = false): Promise<number> {
  const transport = sealed ? { transport: tls(credentials) } : {};
  const server = await reactor.listen({ port: 0, host: '127.0.0.1', ...transport }, protocol);
  return server.address()?.port ?? 0;
}

async function open(port: number): Promise<Socket> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true });
  sockets.push(socket);
  await once(socket, 'connect');
  return socket;
}

async function openSealed(port: number): Promise<Socket> {
  const socket = connectTls({ port, host: '127.0.0.1', rejectUnauthorized: false });
  sockets.push(socket);
  await once(socket, 'secureConnect');
  return socket.setNoDelay(true);
}

/** Resolves when `bytes` bytes have come. */
async function receive(socket: Socket, bytes: number): Promise<void> {
  let left = bytes;
  while (left > 0) left -= ((await once(socket, 'data')) as [Buffer])[0].length;
}

/** The answer to one request, as many bytes as the one before. */
async function lengthOfAnswer(socket: Socket): Promise<number> {
  socket.write(REQUEST);
  let text = '';
  for (;;) {
    text += String(((await once(socket, 'data')) as [Buffer])[0].toString('latin1'));
    const [head = '', body] = text.split('\r\n\r\n', 2);
    const length = Number(/content-length: (\d+)/i.exec(head)?.[1]);
    if (body !== undefined && text.length === head.length + 4 + length) return text.length;
  }
}

/** What `TIMES` requests call, one after another on a connection that was used before. */
async function callsOf(socket: Socket): Promise<Record<string, number>> {
  const bytes = await lengthOfAnswer(socket);
  return calls.during(async () => {
    for (let time = 0; time < TIMES; time += 1) {
      socket.write(REQUEST);
      await receive(socket, bytes);
    }
  });
}

const hello = http((_req, res) => {
  res.setHeader('content-type', 'text/plain');
  res.end('Hello, World!');
});

describe('the addon is called', () => {
  it('to receive and to send, once each for a request', async () => {
    expect(await callsOf(await open(await listen(hello)))).toEqual({ recv: TIMES, send: TIMES });
  });

  it('to open and to seal, once each for a request over TLS', async () => {
    const socket = await openSealed(await listen(hello, true));
    expect(await callsOf(socket)).toEqual({ 'TlsSession.read': TIMES, 'TlsSession.write': TIMES });
  });

  it('as often for sixteen requests that come at once', async () => {
    const socket = await open(await listen(hello));
    const bytes = await lengthOfAnswer(socket);
    const during = await calls.during(async () => {
      socket.write(REQUEST.repeat(16));
      await receive(socket, 16 * bytes);
    });
    expect(during).toEqual({ recv: 1, send: 1 });
  });

  it('to receive and to send, once each for requests of sixteen connections that are there together', async () => {
    const port = await listen(hello);
    const several: Socket[] = [];
    while (several.length < 16) several.push(await open(port));
    const [bytes = 0] = await Promise.all(several.map(lengthOfAnswer));
    const during = await calls.during(async () => {
      // Each is with the kernel when `write` returns.
      for (const socket of several) socket.write(REQUEST);
      await Promise.all(several.map((socket) => receive(socket, bytes)));
    });
    expect(during).toEqual({ recvMany: 1, sendMany: 1 });
  });

  it('three times for a request for a file that was sent a moment ago', async () => {
    const root = temporaryFolder();
    writeFileSync(join(root, 'file'), Buffer.alloc(20_000));
    const folder = await openFolder(root);
    const files = http((req, res) => res.sendFile(req.target.slice(1), { folder }));
    // It is asked what of the file is in the page cache once in two seconds: before, mostly.
    const { isFileCached = 0, ...during } = await callsOf(await open(await listen(files)));
    folder.close();
    expect(isFileCached).toBeLessThan(TIMES);
    expect(during).toEqual({ recv: TIMES, isSameFile: TIMES, sendWithFile: TIMES });
  });

  it('to receive and to send, once each for a message', async () => {
    const socket = await open(await listen(echo()));
    const during = await calls.during(async () => {
      for (let time = 0; time < TIMES; time += 1) {
        socket.write('message');
        await receive(socket, 7);
      }
    });
    expect(during).toEqual({ recv: TIMES, send: TIMES });
  });

  it('ten times for a connection with one request', async () => {
    const port = await listen(hello);
    const { recv, ...others } = await calls.during(async () => {
      const socket = await open(port);
      await lengthOfAnswer(socket);
      socket.end();
      await once(socket, 'close');
    });
    // One that finds nothing yet, unless the client was quicker; the request; the end.
    expect([2, 3]).toContain(recv);
    expect(others).toEqual({
      accept: 2,
      'Epoll.add': 1,
      send: 1,
      shutdownWrite: 1,
      'Epoll.remove': 1,
      close: 1,
    });
  });

  it('fifteen times for one over TLS 1.3, full handshake included', async () => {
    const port = await listen(hello, true);
    const { 'TlsSession.handshake': handshake, ...others } = await calls.during(async () => {
      const socket = await openSealed(port);
      await lengthOfAnswer(socket);
      socket.end();
      await once(socket, 'close');
    });
    // One that finds nothing yet, unless the client was quicker; the ClientHello; the client's Finished.
    expect([2, 3]).toContain(handshake);
    expect(others).toEqual({
      accept: 2,
      'Epoll.add': 1,
      // What the counters want to know of a handshake.
      'TlsSession.outcome': 1,
      'TlsSession.read': 2,
      'TlsSession.write': 1,
      'TlsSession.shutdown': 1,
      'TlsSession.close': 1,
      shutdownWrite: 1,
      'Epoll.remove': 1,
      close: 1,
    });
  });
});
