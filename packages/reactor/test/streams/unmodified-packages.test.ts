/** Code that expects a `net.Socket` and was never told of streams of ours: Node's own HTTP servers and clients. */
import { once } from 'node:events';
import { Agent, createServer as createHttpServer, request } from 'node:http';
import { connect as connectHttp2, createServer as createHttp2Server } from 'node:http2';
import { createInterface } from 'node:readline';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { afterEach, describe, expect, test } from 'vitest';
import { createReactor, fromDuplex } from '../../src/index.ts';
import { afterwards, leavesNothingBehind, serving, socketTo, textOf } from '../support/stream-server.ts';

const BODY = Buffer.alloc(3_000_000, 'b');

leavesNothingBehind();
afterEach(() => nextTurn());

describe("Node's http.Server over connections of ours", () => {
  async function httpServing(listener: Parameters<typeof createHttpServer>[1]) {
    const http = createHttpServer(listener);
    const served = await serving(fromDuplex((socket) => void http.emit('connection', socket)));
    return { ...served, http, port: served.server.address()!.port };
  }

  test('answers requests of a client that keeps its connection, bodies of megabytes in both directions', async () => {
    const ports = new Set<number | undefined>();
    const { port } = await httpServing(async (incoming, answer) => {
      ports.add(incoming.socket.remotePort);
      let length = 0;
      for await (const chunk of incoming) length += (chunk as Buffer).length;
      answer.setHeader('x-length', length).end(BODY);
    });
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    afterwards(() => agent.destroy());
    for (let turn = 0; turn < 3; turn += 1) {
      const asking = request({ port, host: '127.0.0.1', agent, method: 'POST' });
      asking.end(BODY);
      const [answer] = (await once(asking, 'response')) as [import('node:http').IncomingMessage];
      expect(answer.headers['x-length']).toBe(String(BODY.length));
      expect(Buffer.concat(await answer.toArray()).equals(BODY)).toBe(true);
    }
    expect(ports.size).toBe(1);
  });

  test('refuses what is no HTTP with its 400, as over a socket of its own', async () => {
    const { server } = await httpServing(() => expect.fail());
    const socket = await socketTo(server);
    socket.write('this is not HTTP\r\n\r\n');
    const [first] = (await once(socket, 'data')) as [Buffer];
    expect(String(first)).toMatch(/^HTTP\/1\.1 400 Bad Request\r\n/);
  });

  test('upgrades to whatever its listener makes of the socket', async () => {
    const { server, http } = await httpServing(() => expect.fail());
    http.on('upgrade', (_request, socket, head: Buffer) => {
      socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n');
      socket.write(head);
      socket.pipe(socket);
    });
    const socket = await socketTo(server);
    socket.end('GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\nand back');
    expect(await textOf(socket)).toMatch(/^HTTP\/1\.1 101 [\s\S]*\r\n\r\nand back$/);
  });

  test('tells a request that its client broke off', async () => {
    const broken = new Promise((resolve) => {
      void httpServing((incoming) => void incoming.on('error', resolve)).then(async ({ server }) => {
        const socket = await socketTo(server);
        socket.write('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nhalf', () =>
          setImmediate(() => socket.resetAndDestroy()),
        );
      });
    });
    expect(await broken).toMatchObject({ code: 'ECONNRESET' });
  });
});

test("Node's http client asks over a connection of ours", async () => {
  const http = createHttpServer((incoming, answer) => void incoming.pipe(answer)).listen(0, '127.0.0.1');
  await once(http, 'listening');
  afterwards(() => http.close());
  const reactor = createReactor({ poisonReads: true });
  afterwards(() => reactor.shutdown({ deadlineMs: 0 }));
  const { port } = http.address() as { port: number };
  const { state: socket } = await reactor.connect({ host: '127.0.0.1', port }, fromDuplex());
  const asking = request({ method: 'POST', createConnection: () => socket as never });
  asking.end(BODY);
  const [answer] = (await once(asking, 'response')) as [import('node:http').IncomingMessage];
  expect(Buffer.concat(await answer.toArray()).equals(BODY)).toBe(true);
  if (!socket.closed) await once(socket, 'close');
});

test("Node's HTTP/2 server and client, both over connections of ours, run many requests at once", async () => {
  const http2 = createHttp2Server();
  http2.on('stream', (stream) => {
    stream.respond({ ':status': 200 });
    stream.pipe(stream);
  });
  const { server, reactor } = await serving(fromDuplex((socket) => void http2.emit('connection', socket)));
  const { state } = await reactor.connect({ host: '127.0.0.1', port: server.address()!.port }, fromDuplex());
  const session = connectHttp2('http://localhost', { createConnection: () => state });
  const body = BODY.subarray(0, 300_000);
  const answers = Array.from({ length: 10 }, async () => {
    const stream = session.request({ ':method': 'POST', ':path': '/' });
    stream.end(body);
    return Buffer.concat(await stream.toArray()).equals(body);
  });
  expect(await Promise.all(answers)).toEqual(Array.from({ length: 10 }, () => true));
  session.close();
  if (!state.closed) await once(state, 'close');
});

test('readline reads lines from a connection of ours', async () => {
  const lines: string[] = [];
  const { server } = await serving(
    fromDuplex(
      async (socket) => {
        socket.on('error', () => {});
        for await (const line of createInterface({ input: socket })) lines.push(line);
        socket.end(lines.join(','));
      },
      { allowHalfOpen: true },
    ),
  );
  const socket = await socketTo(server);
  socket.end('one\ntwo\r\nthree');
  expect(await textOf(socket)).toBe('one,two,three');
});
