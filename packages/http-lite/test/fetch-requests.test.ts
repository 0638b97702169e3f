/** `http.fetch()`: what a handler of the web-standard shape is given. */
import { type FetchHandler, HttpUsageError } from '@sluice/http-lite';
import { describe, expect, it } from 'vitest';
import { parseAnswers } from './answers.ts';
import { answerOf, ask, GET, seenOf, serve } from './fetch-serving.ts';
import { settled } from './replay.ts';

describe('the Request that a fetch handler is given', () => {
  it('is one of the platform, which can be the base of another', async () => {
    const wire = 'POST /a?b=c HTTP/1.1\r\nHost: h:81\r\nX-A: 1\r\nX-A: 2\r\nContent-Length: 4\r\n\r\nbody';
    const answer = await answerOf(async (request) => {
      expect(request).toBeInstanceOf(Request);
      const copy = new Request(request, { headers: { ...Object.fromEntries(request.headers), more: 'x' } });
      const { method, url } = copy;
      return Response.json([
        method,
        url,
        copy.headers.get('x-a'),
        copy.headers.get('more'),
        await copy.text(),
      ]);
    }, wire);
    expect(JSON.parse(answer.body)).toEqual(['POST', 'http://h:81/a?b=c', '1, 2', 'x', 'body']);
  });

  it.each([
    ['GET /p?q HTTP/1.1\r\nHost: h\r\n\r\n', 'http://h/p?q'],
    ['GET //other/p HTTP/1.1\r\nHost: h\r\n\r\n', 'http://h//other/p'],
    ['GET /@x:1/ HTTP/1.1\r\nHost: [::1]:8080\r\n\r\n', 'http://[::1]:8080/@x:1/'],
    ['GET http://b:81/p HTTP/1.1\r\nHost: h\r\n\r\n', 'http://b:81/p'],
    ['GET HTTPS://b?q HTTP/1.1\r\nHost: h\r\n\r\n', 'http://b/?q'],
    ['OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n', 'http://h/'],
    ['GET /p HTTP/1.0\r\n\r\n', 'http://localhost/p'],
    ['GET /p HTTP/1.1\r\nHost:\r\n\r\n', 'http://localhost/p'],
  ])('of %j has the URL %s', async (wire, url) => {
    expect(await seenOf(wire, (request) => request.url)).toBe(url);
  });

  it('has a URL of https over a transport that is secure', async () => {
    const { connection } = serve((request) => new Response(request.url));
    Object.assign(connection, { transport: { ...connection.transport, secure: true } });
    connection.receive('GET http://b/p HTTP/1.1\r\nHost: h\r\n\r\n');
    await settled();
    expect(parseAnswers(connection.take())).toMatchObject([{ body: 'https://b/p' }]);
  });

  it('joins the lines of Cookie so that it stays one', async () => {
    const wire = 'GET / HTTP/1.1\r\nHost: a\r\nCookie: a=1\r\nCookie: b=2\r\n\r\n';
    expect(await seenOf(wire, ({ headers }) => headers.get('cookie'))).toBe('a=1; b=2');
  });

  it('has no body when none came, nor with GET, whatever came', async () => {
    expect(await seenOf('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n', ({ body }) => body)).toBe(
      null,
    );
    expect(await seenOf('GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi', ({ body }) => body)).toBe(
      null,
    );
  });

  it('comes with the request of this package', async () => {
    const answer = await answerOf((_request, { req }) => new Response(`${req.httpVersion} ${req.target}`));
    expect(answer.body).toBe('1.1 /');
  });

  it.each(['TRACE', 'TRACK', 'get', 'Post'])(
    'is not made of the method %s: 501, and nobody is told',
    async (name) => {
      const { sent, errors } = await ask(
        () => new Response('served'),
        `${name} / HTTP/1.1\r\nHost: a\r\n\r\n`,
      );
      const body = `501 Not Implemented: the method ${name} is not served here\n`;
      expect(parseAnswers(sent)).toMatchObject([{ status: 501, body }]);
      expect(errors).toEqual([]);
    },
  );

  it.each(['a:99999', '1.2.3.4.5', 'a%2fb', '[v1.a]'])('is not made of the host %s: 400', async (host) => {
    const { sent, errors } = await ask(
      () => new Response('served'),
      `GET / HTTP/1.1\r\nHost: ${host}\r\n\r\n`,
    );
    const body = '400 Bad Request: the host is none that a URL can have\n';
    expect(parseAnswers(sent)).toMatchObject([{ status: 400, body }]);
    expect(errors).toEqual([]);
  });

  it('lets the client go on (100 Continue) when its body is read, not before', async () => {
    const wire = 'POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n';
    let read = async () => {};
    const { connection } = serve(async (request) => {
      await new Promise<void>((resolve) => {
        read = async () => resolve();
      });
      return new Response(await request.text());
    });
    connection.receive(wire);
    await settled();
    expect(connection.take()).toBe('');
    await read();
    await settled();
    expect(connection.take()).toBe('HTTP/1.1 100 Continue\r\n\r\n');
    connection.receive('hi');
    await settled();
    expect(parseAnswers(connection.take())).toMatchObject([{ status: 200, body: 'hi' }]);
  });

  it('has a body that errors when the peer ends before it is whole', async () => {
    let failure: unknown;
    const { connection, errors } = serve(async (request) => {
      await request.text().catch((error: unknown) => {
        failure = error;
      });
      return new Response();
    });
    connection.receive('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nhalf').receiveEnd();
    await settled();
    expect(failure).toMatchObject({ code: 'ERR_HTTP_BODY_TRUNCATED' });
    expect(errors).toEqual([]);
  });

  it('may have its body cancelled, which drops the rest and keeps the connection', async () => {
    const { connection, errors } = serve(async (request) => {
      await request.body?.cancel();
      return new Response('enough');
    });
    connection.receive('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nhalf');
    await settled();
    connection.receive(` rest${GET.replace('GET', 'PUT')}`);
    await settled();
    expect(parseAnswers(connection.take()).map(({ body }) => body)).toEqual(['enough', 'enough']);
    expect(errors).toEqual([]);
  });

  const LONG = `POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9000\r\n\r\n${'x'.repeat(9000)}`;
  const readOne = async ({ body }: Request) => {
    const reader = body!.getReader();
    await reader.read();
    return reader;
  };
  it.each<[string, FetchHandler]>([
    [
      'cancels',
      async (request) => {
        const reader = await readOne(request);
        await reader.cancel();
        return new Response('enough');
      },
    ],
    [
      'answers without a word',
      async (request) => {
        await readOne(request);
        return new Response('enough');
      },
    ],
  ])('does not hold the connection when its reader %s in the middle of the body', async (how, handler) => {
    const served: FetchHandler = (request, context) =>
      request.method === 'POST' ? handler(request, context) : new Response(how);
    const { connection, errors } = serve(served, { bodyBufferBytes: 1000 });
    connection.receive(LONG.slice(0, 100)).receive(LONG.slice(100, 3000));
    await settled();
    connection.receive(LONG.slice(3000) + GET);
    for (let turn = 0; turn < 5; turn++) await settled();
    expect(parseAnswers(connection.take()).map(({ body }) => body)).toEqual(['enough', how]);
    expect(errors).toEqual([]);
  });

  it('whose body is cancelled lets the peer send the rest, though there is no answer yet', async () => {
    const { connection } = serve(
      async (request) => {
        await (await readOne(request)).cancel();
        return new Promise(() => {});
      },
      { bodyBufferBytes: 1000 },
    );
    connection.receive(LONG.slice(0, 100)).receive(LONG.slice(100, 3000));
    await settled();
    connection.receive(LONG.slice(3000));
    await settled();
    expect(connection.isPaused).toBe(false);
  });

  it('is the same to everybody: to clones, to requests made of it, and to fields that were changed', async () => {
    const wire = 'POST /a HTTP/1.1\r\nHost: h\r\nX-Old: 1\r\nContent-Length: 4\r\n\r\nbody';
    const answer = await answerOf(async (request) => {
      expect(request.constructor).toBe(Request);
      expect(Object.prototype.toString.call(request)).toBe('[object Request]');
      expect(request.headers).toBe(request.headers);
      expect(request.signal).toBe(request.signal);
      request.headers.set('x-new', '2');
      const copy = request.clone();
      request.headers.delete('x-old');
      const made = new Request(request);
      expect([request.bodyUsed, made.bodyUsed, copy.bodyUsed]).toEqual([true, false, false]);
      const told = [request, copy, made].map(({ method, url, duplex, redirect, headers }) => [
        method,
        url,
        duplex,
        redirect,
        headers.get('x-old'),
        headers.get('x-new'),
      ]);
      return Response.json([...told, await copy.text(), await made.text()]);
    }, wire);
    const rest = ['POST', 'http://h/a', 'half', 'follow'];
    expect(JSON.parse(answer.body)).toEqual([
      [...rest, null, '2'],
      [...rest, '1', '2'],
      [...rest, null, '2'],
      'body',
      'body',
    ]);
  });

  it('has a body that errors, and does not seem whole, once the answer has ended', async () => {
    const kept: ReadableStreamDefaultReader<Uint8Array>[] = [];
    const { connection } = serve(async (request) => {
      kept.push(request.url.endsWith('/read') ? await readOne(request) : request.body!.getReader());
      return new Response();
    });
    connection.receive(LONG.slice(0, 100).replace(' / ', ' /read '));
    await settled();
    connection.receive(LONG.slice(100)).receive(LONG);
    for (let turn = 0; turn < 5; turn++) await settled();
    expect(parseAnswers(connection.take())).toHaveLength(2);
    for (const reader of kept) {
      const failure: unknown = await reader.read().catch((error: unknown) => error);
      expect(failure).toBeInstanceOf(HttpUsageError);
      expect(failure).toMatchObject({
        code: 'ERR_HTTP_BODY_DISCARDED',
        message: 'the request body was dropped when the answer ended; read it to its end before that',
      });
    }
    expect(kept).toHaveLength(2);
  });

  it('has a signal, aborted when the connection closes, as are those of requests made of it', async () => {
    const signals: AbortSignal[] = [];
    const { connection, errors } = serve(async (request) => {
      signals.push(request.signal, new Request(request).signal);
      await settled();
      request.signal.throwIfAborted();
      return new Response();
    });
    connection.receive(GET);
    expect(signals.map(({ aborted }) => aborted)).toEqual([false, false]);
    connection.reset();
    expect(signals.map(({ reason }) => (reason as { code: string }).code)).toEqual([
      'ERR_HTTP_PEER_GONE',
      'ERR_HTTP_PEER_GONE',
    ]);
    await settled();
    await settled();
    expect(errors).toEqual([]);
  });
});
