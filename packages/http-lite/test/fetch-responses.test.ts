/** `http.fetch()`: what becomes of what a handler of the web-standard shape returns. */
import { type FetchHandler, fetchHandler, HttpUsageError, http } from '@sluice/http-lite';
import { describe, expect, it } from 'vitest';
import { parseAnswers } from './answers.ts';
import { FakeConnection } from './fake-connection.ts';
import { answerOf, ask, atOnce, GET, serve, slowly } from './fetch-serving.ts';
import { settled } from './replay.ts';

describe('a Response', () => {
  const bodies: Record<string, () => ConstructorParameters<typeof Response>[0]> = {
    text: () => 'grüße',
    bytes: () => Buffer.from('grüße'),
    'a stream of one piece': () => atOnce('grüße'),
    'a stream of several pieces that are there': () => atOnce('gr', 'ü', '', 'ße'),
  };
  it.each(Object.keys(bodies))('whose body is %s leaves in one write, with its length', async (kind) => {
    const { connection, sent, errors } = await ask(() => new Response(bodies[kind]!()));
    expect(errors).toEqual([]);
    const [answer] = parseAnswers(sent);
    expect(answer).toMatchObject({ status: 200, headers: { 'content-length': '7' } });
    expect(Buffer.from(answer!.body, 'latin1').toString()).toBe('grüße');
    expect(connection.writes).toBeLessThanOrEqual(2);
  });

  it('whose body is a blob has its type, and all of it', async () => {
    const body = new Blob(['grüße'], { type: 'text/x-greeting' });
    const { connection, errors } = serve(() => new Response(body));
    connection.receive(GET);
    // Reading a blob leaves the process's own thread in some versions of Node.
    let sent = '';
    while (!/\r\n0\r\n\r\n$|grÃ¼Ã\u009fe$/.test(sent)) {
      await settled();
      sent += connection.take();
    }
    const [answer] = parseAnswers(sent);
    expect(answer).toMatchObject({ status: 200, headers: { 'content-type': 'text/x-greeting' } });
    expect(Buffer.from(answer!.body, 'latin1').toString()).toBe('grüße');
    expect(errors).toEqual([]);
  });

  it('without a body, or with an empty one, has the length 0', async () => {
    for (const body of [null, '', new Uint8Array()]) {
      expect(await answerOf(() => new Response(body))).toMatchObject({
        headers: { 'content-length': '0' },
        body: '',
      });
    }
  });

  it('whose body is a stream is chunked, piece by piece as they come', async () => {
    const { connection } = serve(() => new Response(slowly('one', 'two')));
    connection.receive(GET);
    await settled();
    await settled();
    expect(connection.take()).toMatch(/\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n$/i);
    await settled();
    expect(connection.take()).toBe('3\r\ntwo\r\n');
    await settled();
    await settled();
    expect(connection.take()).toBe('0\r\n\r\n');
  });

  it('whose pieces come together has them in one chunk, and none waits for those that come later', async () => {
    let turn = 0;
    const body = new ReadableStream<Uint8Array>({
      async pull(controller) {
        if (turn++ % 3 === 0) await settled();
        if (turn > 6) controller.close();
        else controller.enqueue(Buffer.from(String(turn)));
      },
    });
    const { connection } = serve(() => new Response(body));
    connection.receive(GET);
    await settled();
    await settled();
    expect(connection.take()).toMatch(/\r\n\r\n3\r\n123\r\n$/);
    await settled();
    expect(connection.take()).toBe('3\r\n456\r\n');
    await settled();
    expect(connection.take()).toBe('0\r\n\r\n');
  });

  it('whose pieces come together, but are many, has them all, in order, 16 KiB of them in a chunk at most', async () => {
    const pieces = Array.from({ length: 40 }, (_, index) =>
      'ghijklmn'[index % 8]!.repeat(((index * 37) % 9) * 1000),
    );
    const { body, headers } = await answerOf(() => new Response(atOnce(...pieces)));
    expect(headers['transfer-encoding']).toBe('chunked');
    expect(body).toBe(pieces.join(''));
    const { sent } = await ask(() => new Response(atOnce(...pieces)));
    const sizes = [...sent.matchAll(/^([0-9a-f]+)\r$/gm)].map(([, size]) => Number.parseInt(size!, 16));
    expect(Math.max(...sizes)).toBeLessThanOrEqual(16 * 1024);
    expect(sizes.length).toBeLessThan(20);
  });

  it('that declares its length keeps it, streamed or not', async () => {
    const headers = { 'content-length': '6' };
    const { connection } = serve(() => new Response(slowly('one', 'two'), { headers }));
    connection.receive(GET);
    for (let turn = 0; turn < 5; turn++) await settled();
    const [answer] = parseAnswers(connection.take());
    expect(answer).toMatchObject({ headers, body: 'onetwo' });
    expect(answer?.headers['transfer-encoding']).toBe(undefined);
  });

  it.each([204, 205, 304])('with status %s has no body', async (status) => {
    const answer = await answerOf(() => new Response(null, { status, headers: { etag: '"a"' } }));
    expect(answer).toMatchObject({ status, headers: { etag: '"a"' }, body: '' });
  });

  it('to HEAD has the fields alone, and its stream is cancelled unread', async () => {
    const happened: string[] = [];
    const body = new ReadableStream<Uint8Array>(
      {
        pull: () => void happened.push('pull'),
        cancel: () => void happened.push('cancel'),
      },
      { highWaterMark: 0 },
    );
    const wire = GET.replace('GET', 'HEAD');
    const answer = await answerOf(() => new Response(body, { headers: { 'content-length': '77' } }), wire);
    expect(answer).toMatchObject({ status: 200, headers: { 'content-length': '77' }, body: '' });
    expect(happened).toEqual(['cancel']);
  });

  it('may set several cookies, each in a line of its own', async () => {
    const headers = new Headers({ 'x-a': '1' });
    headers.append('set-cookie', 'a=1, 2');
    headers.append('set-cookie', 'b=3');
    const { sent } = await ask(() => new Response('', { headers }));
    expect(sent.match(/^(?:set-cookie|x-a): .*(?=\r$)/gm)).toEqual([
      'x-a: 1',
      'set-cookie: a=1, 2',
      'set-cookie: b=3',
    ]);
  });

  it('loses the fields of a connection that is not ours, and keeps Connection: close', async () => {
    const headers = {
      connection: 'keep-alive',
      'keep-alive': 'timeout=5',
      'transfer-encoding': 'gzip, chunked',
      trailer: 'x',
      te: 'trailers',
      'proxy-connection': 'close',
      'x-stays': '1',
    };
    const plain = await answerOf(() => new Response(null, { headers }));
    expect(Object.keys(plain.headers).sort()).toEqual(['content-length', 'date', 'x-stays']);
    const closing = await answerOf(() => new Response('', { headers: { connection: 'close' } }));
    expect(closing.headers['connection']).toBe('close');
  });

  it('of another making is sent too, if it has the shape', async () => {
    const { status, headers } = new Response(null, { status: 201 });
    const answer = await answerOf(() => ({ status, headers, body: null, bodyUsed: false }) as Response);
    expect(answer.status).toBe(201);
  });

  it('is one answer of several, in order', async () => {
    const { sent } = await ask((request) => new Response(request.url), GET + GET.replace('/', '/b'));
    await settled();
    expect(parseAnswers(sent).map(({ body }) => body)).toEqual(['http://a/', 'http://a/b']);
  });

  it('may come from a handler beside others', async () => {
    const web = fetchHandler(() => new Response('web'));
    const connection = new FakeConnection(
      http((req, res) => (req.path === '/web' ? web(req, res) : res.end('own'))),
    );
    connection.receive(GET + GET.replace('/', '/web'));
    await settled();
    expect(parseAnswers(connection.take()).map(({ body }) => body)).toEqual(['own', 'web']);
  });
});

describe('a fetch handler that fails', () => {
  const used = async () => {
    const response = new Response('read by somebody else');
    await response.text();
    return response;
  };
  const locked = () => {
    const response = new Response('being read');
    response.body?.getReader();
    return response;
  };
  const released = async () => {
    const response = new Response('half read');
    const reader = response.body!.getReader();
    await reader.read();
    reader.releaseLock();
    return response;
  };
  const READ = 'the body of the Response was read, or is being read, by somebody else; return a clone of it';
  const returned = (what: string) => `the handler returned ${what}, and has to return a Response`;
  it.each<[string, () => unknown, string]>([
    ['nothing', () => undefined, returned('undefined')],
    ['text', () => 'hello', returned('hello')],
    ['another object', () => new Map(), returned('an object of Map')],
    ['a Response that was read', used, READ],
    ['a Response that is being read', locked, READ],
    ['a Response that was read in part', released, READ],
  ])('by returning %s is answered with 500 and told why', async (_what, make, message) => {
    const { connection, sent, errors } = await ask((() => make()) as FetchHandler);
    expect(parseAnswers(sent)).toMatchObject([{ status: 500, body: '500 Internal Server Error\n' }]);
    expect(errors).toHaveLength(1);
    expect(errors[0]).toBeInstanceOf(HttpUsageError);
    expect(errors[0]).toMatchObject({ code: 'ERR_HTTP_FETCH_RESPONSE', message });
    expect(connection.calls).toEqual([]);
  });

  it('by throwing is answered with 500, and by Response.error() too', async () => {
    const boom = new Error('boom');
    const thrown = await ask(() => {
      throw boom;
    });
    expect(parseAnswers(thrown.sent)).toMatchObject([{ status: 500 }]);
    expect(thrown.errors).toEqual([boom]);
    const networkError = await ask(() => Response.error());
    expect(parseAnswers(networkError.sent)).toMatchObject([{ status: 500 }]);
    expect(networkError.errors).toMatchObject([{ code: 'ERR_HTTP_STATUS' }]);
  });

  it('by a field that cannot be sent is answered with 500, none of the fields kept, the stream cancelled', async () => {
    let reason: unknown;
    const body = new ReadableStream({
      cancel: (why) => {
        reason = why;
      },
    });
    const headers = { 'x-first': '1', 'x-second': 'a\u0001b' };
    const { sent, errors } = await ask(() => new Response(body, { headers }));
    const [answer] = parseAnswers(sent);
    expect(answer).toMatchObject({ status: 500 });
    expect(answer?.headers['x-first']).toBe(undefined);
    expect(errors).toMatchObject([{ code: 'ERR_HTTP_HEADER_INVALID' }]);
    expect(reason).toBe(errors[0]);
  });

  it('by a stream that errors before its first piece is answered with 500', async () => {
    const boom = new Error('boom');
    const { sent, errors } = await ask(
      () => new Response(new ReadableStream({ pull: (c) => c.error(boom) })),
    );
    expect(parseAnswers(sent)).toMatchObject([{ status: 500 }]);
    expect(errors).toEqual([boom]);
  });

  it('by a stream that errors behind a first piece that has not left is answered with 500', async () => {
    const boom = new Error('boom');
    let pieces = 1;
    const body = new ReadableStream<Uint8Array>(
      { pull: (c) => (pieces-- > 0 ? c.enqueue(Buffer.from('x')) : c.error(boom)) },
      { highWaterMark: 0 },
    );
    const { sent, errors } = await ask(() => new Response(body));
    expect(parseAnswers(sent)).toMatchObject([{ status: 500, body: '500 Internal Server Error\n' }]);
    expect(errors).toEqual([boom]);
  });

  it('by a stream that errors later has its answer torn', async () => {
    const boom = new Error('boom');
    let left = 2;
    const body = new ReadableStream({
      async pull(controller) {
        await settled();
        if (--left >= 0) controller.enqueue(Buffer.from('x'));
        else controller.error(boom);
      },
    });
    const { connection, errors } = serve(() => new Response(body));
    connection.receive(GET);
    for (let turn = 0; turn < 5; turn++) await settled();
    expect(connection.calls).toEqual(['destroy', 'closed error']);
    expect(connection.destroyedWith).toBe(boom);
    expect(errors).toEqual([boom]);
  });

  it('by a stream of text has its stream cancelled, and says so', async () => {
    let reason: unknown;
    const body = new ReadableStream({
      start: (controller) => controller.enqueue('text'),
      cancel: (why) => {
        reason = why;
      },
    });
    const { sent, errors } = await ask(() => new Response(body));
    const message = 'the body of the Response is a stream of string, and has to be one of Uint8Array';
    expect(parseAnswers(sent)).toMatchObject([{ status: 500 }]);
    expect(errors).toHaveLength(1);
    expect(errors[0]).toBeInstanceOf(HttpUsageError);
    expect(errors[0]).toMatchObject({ code: 'ERR_HTTP_FETCH_RESPONSE', message });
    expect(reason).toBe(errors[0]);
  });

  it.each([
    ['more', '2'],
    ['less', '9'],
  ])('by sending %s than it declared has its answer torn', async (_how, length) => {
    const headers = { 'content-length': length };
    const { connection, errors } = serve(() => new Response(slowly('a', 'b', 'c'), { headers }));
    connection.receive(GET);
    for (let turn = 0; turn < 6; turn++) await settled();
    expect(connection.calls).toEqual(['destroy', 'closed error']);
    expect(errors).toMatchObject([{ code: 'ERR_HTTP_LENGTH_MISMATCH' }]);
  });
});

describe('whoever makes the body of a Response', () => {
  /** A stream that has a first piece and then is silent; why it was cancelled. */
  function silent() {
    const seen: { reason?: unknown } = {};
    const body = new ReadableStream({
      start: (controller) => controller.enqueue(Buffer.from('first')),
      cancel: (reason) => {
        seen.reason = reason;
      },
    });
    return { body, seen };
  }

  it('is told at once when the connection closes, though there is nothing to send', async () => {
    const { body, seen } = silent();
    const { connection, errors } = serve(() => new Response(body));
    connection.receive(GET);
    await settled();
    connection.reset();
    expect(seen.reason).toMatchObject({ code: 'ERR_HTTP_PEER_GONE' });
    await settled();
    expect(errors).toEqual([]);
  });

  it('goes on for a peer that has only ended its side, and is told when it closes', async () => {
    const { body, seen } = silent();
    const { connection } = serve(() => new Response(body));
    connection.receive(GET).receiveEnd();
    await settled();
    expect(connection.take()).toContain('5\r\nfirst\r\n');
    expect(seen.reason).toBe(undefined);
    connection.reset();
    expect(seen.reason).toMatchObject({ code: 'ERR_HTTP_PEER_GONE' });
  });

  it('is told when the peer was gone before the Response was there', async () => {
    const { body, seen } = silent();
    const { connection, errors } = serve(async () => {
      await settled();
      return new Response(body);
    });
    connection.receive(GET).reset();
    await settled();
    await settled();
    expect(seen.reason).toMatchObject({ code: 'ERR_HTTP_PEER_GONE' });
    expect(errors).toEqual([]);
  });

  it('has an error of its cancel told, once', async () => {
    const boom = new Error('boom');
    const { connection, errors } = serve(
      () =>
        new Response(
          new ReadableStream({
            start: (controller) => controller.enqueue(Buffer.from('x')),
            cancel: () => Promise.reject(boom),
          }),
        ),
    );
    connection.receive(GET);
    await settled();
    connection.reset();
    await settled();
    expect(errors).toEqual([boom]);
  });

  it('is asked for one piece, and no more, while the peer takes nothing', async () => {
    let made = 0;
    const body = new ReadableStream<Uint8Array>(
      {
        async pull(controller) {
          await settled();
          made += 1;
          controller.enqueue(new Uint8Array(1000));
        },
      },
      { highWaterMark: 0 },
    );
    const protocol = http.fetch(() => new Response(body));
    const connection = new FakeConnection(protocol, { highWaterMarkBytes: 5000 });
    connection.receive(GET);
    for (let turn = 0; turn < 30; turn++) await settled();
    const madeBefore = made;
    for (let turn = 0; turn < 30; turn++) await settled();
    expect([madeBefore, made]).toEqual([6, 6]);
    connection.drain();
    for (let turn = 0; turn < 30; turn++) await settled();
    expect(made).toBe(11);
  });
});
