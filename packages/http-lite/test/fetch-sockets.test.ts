/** `http.fetch()` over real sockets: Node's clients, backpressure both ways, and clients that go. */
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { connect } from 'node:net';
import { Readable } from 'node:stream';
import { type FetchHandler, http } from '@sluice/http-lite';
import { createReactor, type Reactor } from '@sluice/reactor';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { isLazyUsable } from '../src/fetch/lazy-request.ts';
import { settled } from './replay.ts';

const KIBIBYTE = 1024;
const PIECE = Buffer.alloc(64 * KIBIBYTE, 'sluice');
const PIECES = 1024;
const ALL_BYTES = PIECES * PIECE.length;
/** What may be on its way of 64 MiB: both buffers of the kernel (tcp_wmem, tcp_rmem), and ours. */
const MOST_UNDERWAY_BYTES = 16 * KIBIBYTE * KIBIBYTE;
/** The queue's high-water mark, and the piece that reached it with its framing. */
const MOST_QUEUED_BYTES = 128 * KIBIBYTE + PIECE.length + KIBIBYTE;
/** `bodyBufferBytes`, and the reads that went beyond it. */
const MOST_RECEIVED_BYTES = 256 * KIBIBYTE;
const DIGEST = digestOfAll();

let reactor: Reactor;
let errors: unknown[];

beforeEach(() => {
  errors = [];
  reactor = createReactor({ poisonReads: true, onError: (error) => errors.push(error) });
});

afterEach(async () => {
  await reactor.shutdown({ deadlineMs: 0 });
  expect(errors).toEqual([]);
});

async function serve(handler: FetchHandler): Promise<number> {
  const protocol = http.fetch(handler, { onError: (error) => errors.push(error) });
  const server = await reactor.listen({ port: 0, host: '127.0.0.1' }, protocol);
  return server.address()!.port;
}

function digestOfAll(): string {
  const hash = createHash('sha256');
  for (let count = 0; count < PIECES; count++) hash.update(PIECE);
  return hash.digest('hex');
}

/** Resolves when `bytes` has been the same, and not 0, for many turns of the event loop. */
async function standstill(bytes: () => number): Promise<number> {
  let last = 0;
  for (let same = 0; same < 200; ) {
    await settled();
    const now = bytes();
    same = now === last && now > 0 ? same + 1 : 0;
    last = now;
  }
  return last;
}

/** A promise, and what resolves it. */
function settling<T>(): { readonly promise: Promise<T>; readonly resolve: (value: T) => void } {
  let resolve: (value: T) => void = () => {};
  const promise = new Promise<T>((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}

async function digestOf(source: AsyncIterable<unknown>): Promise<string> {
  const hash = createHash('sha256');
  for await (const piece of source) hash.update(piece as Buffer);
  return hash.digest('hex');
}

/** 64 MiB, and how many of them were asked for. */
function production() {
  const made = { bytes: 0, cancelled: undefined as unknown };
  const body = new ReadableStream<Uint8Array>(
    {
      pull(controller) {
        made.bytes += PIECE.length;
        controller.enqueue(PIECE);
        if (made.bytes === ALL_BYTES) controller.close();
      },
      cancel(reason) {
        made.cancelled = reason;
      },
    },
    { highWaterMark: 0 },
  );
  return { made, body };
}

describe('a stream as the body of a Response', () => {
  it('is produced no faster than a slow reader takes it, in bounded memory', async () => {
    const { made, body } = production();
    const port = await serve(() => new Response(body));
    const outgoing = request({ host: '127.0.0.1', port }).end();
    const [message] = (await once(outgoing, 'response')) as [IncomingMessage];
    expect(await standstill(() => made.bytes)).toBeLessThan(MOST_UNDERWAY_BYTES);
    expect(reactor.stats().queuedBytes).toBeLessThan(MOST_QUEUED_BYTES);
    expect(await digestOf(message)).toBe(DIGEST);
    expect(made.bytes).toBe(ALL_BYTES);
  });

  it('is cancelled when a client that does not read closes', async () => {
    const { made, body } = production();
    const port = await serve(() => new Response(body));
    const socket = connect(port, '127.0.0.1').pause();
    socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
    await standstill(() => made.bytes);
    socket.resetAndDestroy();
    while (made.cancelled === undefined) await settled();
    expect(made.cancelled).toMatchObject({ code: 'ERR_HTTP_PEER_GONE' });
    expect(made.bytes).toBeLessThan(MOST_UNDERWAY_BYTES);
    expect(reactor.stats()).toMatchObject({ queuedBytes: 0 });
  });
});

describe('the body of a Request', () => {
  it('is sent no faster than the handler reads it, in bounded memory', async () => {
    const gate = settling<void>();
    const port = await serve(async ({ body }) => {
      await gate.promise;
      return new Response(await digestOf(body!));
    });
    const outgoing = request({ host: '127.0.0.1', port, method: 'POST' });
    Readable.from(Array.from({ length: PIECES }, () => PIECE)).pipe(outgoing);
    const [socket] = await once(outgoing, 'socket');
    expect(await standstill(() => socket.bytesWritten - socket.writableLength)).toBeLessThan(
      MOST_UNDERWAY_BYTES,
    );
    expect(reactor.stats().bytesReceived).toBeLessThan(MOST_RECEIVED_BYTES);
    gate.resolve();
    const [message] = (await once(outgoing, 'response')) as [IncomingMessage];
    expect(String(await message.toArray())).toBe(DIGEST);
  });

  it('may be the body of the Response: 64 MiB there and back', async () => {
    const port = await serve(({ body }) => new Response(body));
    const outgoing = request({ host: '127.0.0.1', port, method: 'POST' });
    Readable.from(Array.from({ length: PIECES }, () => PIECE)).pipe(outgoing);
    const [message] = (await once(outgoing, 'response')) as [IncomingMessage];
    expect(message.headers['transfer-encoding']).toBe('chunked');
    expect(await digestOf(message)).toBe(DIGEST);
  });
});

describe('Node’s fetch', () => {
  it('sends a form and gets it back, on the address that was connected to', async () => {
    const port = await serve(async (incoming) => {
      const form = await incoming.formData();
      return Response.json({ url: incoming.url, name: form.get('name') });
    });
    const body = new FormData();
    body.set('name', 'grüße');
    const answer = await fetch(`http://127.0.0.1:${port}/form?x`, { method: 'POST', body });
    expect(answer.headers.get('content-type')).toBe('application/json');
    expect(await answer.json()).toEqual({ url: `http://127.0.0.1:${port}/form?x`, name: 'grüße' });
  });

  it('that gives up aborts the signal of the request', async () => {
    const aborted = settling<unknown>();
    const begun = settling<void>();
    const port = await serve(async ({ signal }) => {
      signal.addEventListener('abort', () => aborted.resolve(signal.reason));
      begun.resolve();
      await aborted.promise;
      return new Response('too late');
    });
    const controller = new AbortController();
    const answer = fetch(`http://127.0.0.1:${port}/`, { signal: controller.signal }).catch(() => 'gave up');
    await begun.promise;
    controller.abort();
    expect(await aborted.promise).toMatchObject({
      code: expect.stringMatching(/^ERR_HTTP_PEER_(?:ENDED|GONE)$/),
    });
    expect(await answer).toBe('gave up');
  });

  it('gets what a handler fetched from another server', async () => {
    const upstream = await serve(
      () => new Response(production().body, { headers: { 'x-from': 'upstream' } }),
    );
    const port = await serve(() => fetch(`http://127.0.0.1:${upstream}/`));
    const answer = await fetch(`http://127.0.0.1:${port}/`);
    expect(answer.headers.get('x-from')).toBe('upstream');
    expect(await digestOf(answer.body!)).toBe(DIGEST);
  });
});

it('what another server says of its connection is not said of ours', async () => {
  const upstream = await serve(
    () => new Response('body', { status: 426, headers: { upgrade: 'other/1', 'x-stays': '1' } }),
  );
  const port = await serve(() => fetch(`http://127.0.0.1:${upstream}/`));
  for (const [from, upgrade] of [
    [upstream, 'other/1'],
    [port, null],
  ]) {
    const { status, headers } = await fetch(`http://127.0.0.1:${from}/`);
    expect([status, headers.get('upgrade'), headers.get('x-stays')]).toEqual([426, upgrade, '1']);
  }
});

describe('a handler that hands its request on', () => {
  const tell: FetchHandler = async (incoming) =>
    Response.json([
      incoming.method,
      new URL(incoming.url).pathname,
      incoming.headers.get('x-a'),
      await incoming.text(),
    ]);
  const ways: Record<string, (incoming: Request, target: string) => Promise<Response>> = {
    'as it is, with another URL': (incoming, target) => fetch(new Request(target, incoming)),
    'with a field more': (incoming, target) => {
      incoming.headers.set('x-a', '2');
      return fetch(target, incoming);
    },
  };
  it.each(Object.keys(ways))('%s, streams it to another server', async (how) => {
    const upstream = await serve(tell);
    const port = await serve((incoming) => ways[how]!(incoming, `http://127.0.0.1:${upstream}/up`));
    const answer = await fetch(`http://127.0.0.1:${port}/`, {
      method: 'PUT',
      body: 'text',
      headers: { 'x-a': '1' },
    });
    expect(await answer.json()).toEqual(['PUT', '/up', how.startsWith('as') ? '1' : '2', 'text']);
  });
});

it('the Request is made only when it is needed, where the runtime lets it be whole all the same', () => {
  expect(isLazyUsable).toBe(Number(process.versions.node.split('.')[0]) < 24);
});

it('a request of HTTP/1.0 without Host has the address that was connected to in its URL', async () => {
  const port = await serve((incoming) => new Response(incoming.url));
  const socket = connect(port, '127.0.0.1');
  socket.write('GET /p HTTP/1.0\r\n\r\n');
  expect(String(await socket.toArray())).toMatch(new RegExp(`\r\n\r\nhttp://127\\.0\\.0\\.1:${port}/p$`));
});
