/** The npm package `ws`, as it is published: its client to `websocket`, and its server on connections of ours. */
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import {
  type Connection,
  createReactor,
  delimited,
  FrameReader,
  type Protocol,
  toDuplex,
} from '@sluice/reactor';
import { describe, expect, it, onTestFinished } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { type ExampleServer, startServer } from './support/server.ts';

const MEBIBYTE = 1024 * 1024;

/** A client of ws that is open. */
async function open(url: string, options = {}): Promise<WebSocket> {
  const socket = new WebSocket(url, { rejectUnauthorized: false, perMessageDeflate: true, ...options });
  onTestFinished(() => socket.terminate());
  await once(socket, 'open');
  return socket;
}

const urlOf = ({ host, port }: Pick<ExampleServer, 'host' | 'port'>, path: string, scheme = 'ws') =>
  `${scheme}://${host}:${port}${path}`;

/** The next message: text, or bytes. */
async function heard(socket: WebSocket): Promise<string | Buffer> {
  const [data, isBinary] = (await once(socket, 'message')) as [Buffer, boolean];
  return isBinary ? data : data.toString();
}

/** All that a client does with a server that says everything back. */
async function converse(socket: WebSocket): Promise<void> {
  for (const text of ['', 'hello', 'κόσμε 𝄞', 'x'.repeat(70_000)]) {
    socket.send(text);
    expect(await heard(socket)).toBe(text);
  }
  const bytes = Buffer.alloc(MEBIBYTE, 'abc');
  socket.send(bytes);
  expect(bytes.equals((await heard(socket)) as Buffer)).toBe(true);
  const both = Promise.all([once(socket, 'pong'), heard(socket)]);
  socket.send('in ', { fin: false });
  socket.ping('between');
  socket.send('parts', { fin: true });
  const [[pong], message] = await both;
  expect([String(pong), message]).toEqual(['between', 'in parts']);
  // A hundred at once, which come back in their order.
  const all: string[] = [];
  const whole = new Promise<void>((resolve) =>
    socket.on('message', (data) => {
      if (all.push(String(data)) === 100) resolve();
    }),
  );
  const texts = Array.from({ length: 100 }, (_, n) => `${n} `.repeat(1_000));
  for (const text of texts) socket.send(text);
  await whole;
  expect(all).toEqual(texts);
  const closed = once(socket, 'close');
  socket.close(3_000, 'enough');
  const [code] = (await closed) as [number];
  expect(code).toBe(3_000);
}

describe('the client of ws', () => {
  it.for([
    ['ws', []],
    ['wss', ['--tls']],
  ] as const)('speaks with the WebSocket server by %s', async ([scheme, flags]) => {
    const server = await startServer('websocket', flags);
    const socket = await open(urlOf(server, '/echo', scheme));
    // It offers to compress, and nobody takes that up.
    expect(socket.extensions).toBe('');
    await converse(socket);
    expect(await server.stop()).toMatchObject({ code: 0, signal: null });
  });

  it('hears others, and that the server goes', async () => {
    const server = await startServer('websocket');
    const clients = [await open(urlOf(server, '/chat')), await open(urlOf(server, '/chat'))];
    const answers = clients.map(heard);
    clients[0]?.send('hello');
    expect(await Promise.all(answers)).toEqual(['hello', 'hello']);
    const closed = clients.map((client) => once(client, 'close'));
    const stopped = server.stop();
    expect((await Promise.all(closed)).map(([code]) => code)).toEqual([1001, 1001]);
    expect(await stopped).toMatchObject({ code: 0, signal: null });
  });

  it('is told that a message is too large, and that a text is none', async () => {
    const server = await startServer('websocket');
    const large = await open(urlOf(server, '/echo'));
    large.send(Buffer.alloc(MEBIBYTE + 1));
    expect((await once(large, 'close'))[0]).toBe(1009);
    const wrong = await open(urlOf(server, '/echo'));
    wrong.send(Buffer.of(0xff), { binary: false });
    expect((await once(wrong, 'close'))[0]).toBe(1007);
  });
});

describe('the client of this Node', () => {
  it('speaks with the WebSocket server', async (context) => {
    const { WebSocket: Native } = globalThis as { WebSocket?: typeof globalThis.WebSocket };
    if (Native === undefined)
      return context.skip(`Node ${process.versions.node} has no WebSocket of its own`);
    const server = await startServer('websocket');
    const socket = new Native(urlOf(server, '/echo'));
    socket.binaryType = 'arraybuffer';
    await once(socket, 'open');
    const next = async () => ((await once(socket, 'message'))[0] as MessageEvent).data as unknown;
    socket.send('κόσμε');
    expect(await next()).toBe('κόσμε');
    socket.send(new Uint8Array(100_000).fill(7));
    expect(new Uint8Array((await next()) as ArrayBuffer).every((byte) => byte === 7)).toBe(true);
    const closed = once(socket, 'close');
    socket.close(3_001, 'enough');
    expect((await closed)[0]).toMatchObject({ code: 3_001, wasClean: true });
    expect(await server.stop()).toMatchObject({ code: 0, signal: null });
  });
});

describe('the server of ws on streams of ours', () => {
  const HEAD = delimited('\r\n\r\n', { maxBytes: 8_192, encoding: 'latin1' });

  /** Reads a request, and makes of its connection a stream that `upgrade` gets, with what came behind. */
  function upgrading(upgrade: (request: IncomingMessage, conn: Connection, rest: Buffer) => void) {
    const protocol: Protocol<FrameReader<string>> = {
      onOpen: () => new FrameReader(HEAD),
      onData: (conn, chunk) =>
        conn.state.read(conn, chunk, (_conn, head) => {
          const [, ...lines] = head.split('\r\n');
          const headers = Object.fromEntries(
            lines.map((line) => [
              line.slice(0, line.indexOf(':')).toLowerCase(),
              line.slice(line.indexOf(':') + 1).trim(),
            ]),
          );
          upgrade({ method: 'GET', url: '/', headers } as IncomingMessage, conn, conn.state.takeRest());
        }),
    };
    return protocol;
  }

  it.for([false, true])('serves its own client, compressed: %s', async (perMessageDeflate) => {
    const errors: unknown[] = [];
    const reactor = createReactor({ poisonReads: true, onError: (error) => void errors.push(error) });
    const sockets = new WebSocketServer({ noServer: true, perMessageDeflate, maxPayload: 2 * MEBIBYTE });
    sockets.on('connection', (socket) => {
      socket.on('message', (data, binary) => socket.send(data as Buffer, { binary }));
    });
    const protocol = upgrading((request, conn, head) => {
      const socket = toDuplex(conn, { head });
      sockets.handleUpgrade(request, socket, Buffer.alloc(0), (client) => sockets.emit('connection', client));
    });
    const listener = await reactor.listen({ port: 0, host: '127.0.0.1' }, protocol);
    const { port = 0 } = listener.address() ?? {};
    const url = urlOf({ host: '127.0.0.1', port }, '/');
    const client = await open(url, { perMessageDeflate });
    expect(client.extensions).toBe(perMessageDeflate ? 'permessage-deflate' : '');
    await converse(client);

    // One that breaks off, and one that is refused.
    const dropped = await open(url, { perMessageDeflate });
    const theirs = [...sockets.clients].at(-1);
    const gone = once(theirs as WebSocket, 'close');
    dropped.terminate();
    expect((await gone)[0]).toBe(1006);
    const refused = await open(url, { perMessageDeflate });
    refused.send(Buffer.alloc(2 * MEBIBYTE + 1));
    for (const one of sockets.clients) one.on('error', () => {});
    expect((await once(refused, 'close'))[0]).toBe(1009);

    await reactor.shutdown({ deadlineMs: 1_000 });
    expect(errors).toEqual([]);
    expect(reactor.stats()).toMatchObject({ connections: 0, queuedBytes: 0 });
  });
});
