/** What becomes of a connection whose handler does not do what it should. `handlers.test.ts` has those that throw. */
import {
  type HttpHandler,
  type HttpRequest,
  type HttpResponse,
  HttpUsageError,
  http,
} from '@sluice/http-lite';
import { describe, expect, it } from 'vitest';
import { FakeConnection } from './fake-connection.ts';
import { settled } from './replay.ts';
import { TICKS_MS, TimedServer } from './timed-server.ts';

const GET = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';
const IDLE_MS = 300_000;

/** Keeps what handlers are called with. */
function keeping(act: (req: HttpRequest, res: HttpResponse) => void = () => {}) {
  const calls: { req: HttpRequest; res: HttpResponse }[] = [];
  const handler: HttpHandler = (req, res) => {
    calls.push({ req, res });
    act(req, res);
  };
  return { calls, handler };
}

describe('a handler that answers twice', () => {
  it('is told by ERR_HTTP_ENDED; the first answer stays whole and the connection goes on', async () => {
    const server = await TimedServer.serve((_req, res) => {
      res.end('first');
      res.end('second');
    });
    server.receive(GET + GET);
    expect(server.answers).toMatchObject([
      { status: 200, body: 'first' },
      { status: 200, body: 'first' },
    ]);
    expect(server.errors[0]).toBeInstanceOf(HttpUsageError);
    expect(server.errors).toMatchObject([
      { code: 'ERR_HTTP_ENDED', message: 'the answer has ended; nothing can be added to it' },
      { code: 'ERR_HTTP_ENDED' },
    ]);
    expect(server.closed).toEqual([]);
  });

  it('while the next request is being answered does not touch that', async () => {
    const { calls, handler } = keeping();
    const server = await TimedServer.serve(handler);
    server.receive(GET + GET);
    calls[0]?.res.end('first');
    expect(() => calls[0]?.res.write('more')).toThrow(expect.objectContaining({ code: 'ERR_HTTP_ENDED' }));
    expect(() => calls[0]?.res.end('again')).toThrow(expect.objectContaining({ code: 'ERR_HTTP_ENDED' }));
    calls[1]?.res.end('second');
    await server.settle();
    expect(server.answers.map(({ body }) => body)).toEqual(['first', 'second']);
  });
});

describe('a handler that never answers', () => {
  const silent: Record<string, HttpHandler> = {
    'and returns': () => {},
    'whose promise resolves': async () => {},
    'whose promise stays': () => new Promise(() => {}),
  };
  for (const [how, handler] of Object.entries(silent)) {
    it(`${how}: the idle deadline of the reactor closes the connection, and no byte of an answer is sent`, async () => {
      const { calls, handler: kept } = keeping();
      const server = await TimedServer.serve((req, res) => {
        void kept(req, res);
        return handler(req, res);
      });
      server.receive(GET + GET);
      await server.pass(IDLE_MS - 1);
      expect(server.closed).toEqual([]);
      await server.pass(1 + TICKS_MS);
      expect(server.closed).toEqual(['timeout']);
      expect(server.sent).toBe('');
      expect(calls.length).toBe(1);
      expect(calls[0]?.req.signal.reason).toMatchObject({
        code: 'ERR_HTTP_PEER_GONE',
        cause: { code: 'ERR_IDLE_TIMEOUT' },
      });
      expect(server.stats()).toMatchObject({ requests: 1, answers: 0, aborted: 1 });
    });
  }

  it('to its end leaves an answer that nobody takes for a whole one', async () => {
    const { calls, handler } = keeping((_req, res) => void res.write('half'));
    const server = await TimedServer.serve(handler);
    server.receive(GET);
    await server.pass(IDLE_MS + TICKS_MS);
    expect(server.closed).toEqual(['timeout']);
    expect(server.sent).toMatch(/\r\n4\r\nhalf\r\n$/);
    expect(calls[0]?.res.ended).toBe(true);
  });
});

describe('an answer that only the close ends, to HTTP/1.0', () => {
  it('is no whole one when its handler never ends it: the connection is closed with an error', async () => {
    const server = await TimedServer.serve((_req, res) => void res.write('half'));
    server.receive('GET / HTTP/1.0\r\n\r\n');
    await server.pass(IDLE_MS + TICKS_MS);
    expect(server.closed).toEqual(['error']);
    expect(server.hasEnded).toBe(false);
    expect(server.sent.endsWith('\r\n\r\nhalf')).toBe(true);
  });
});

describe('a handler that answers after the connection has closed', () => {
  it('is told by nothing but what it asks: everything is dropped', async () => {
    const { calls, handler } = keeping();
    const server = await TimedServer.serve(handler);
    server.receive(GET);
    calls[0]?.req.connection.destroy();
    const { res, req } = calls[0]!;
    expect(res.ended).toBe(true);
    expect(res.setHeader('a', 'b').write('x')).toBe(false);
    expect(res.setTrailer('a', 'b').writeEarlyHints({ Link: '</a>' })).toBe(false);
    expect(() => res.end('late')).not.toThrow();
    await expect(res.drained()).rejects.toMatchObject({ code: 'ERR_HTTP_PEER_GONE' });
    await expect(req.body.text()).resolves.toBe('');
    expect([req.target, req.headers.get('host')]).toEqual(['/', 'a']);
    expect(server.sent).toBe('');
    expect(server.errors).toEqual([]);
  });

  it('or finds our side ended before the close is told, as after a reset, is no failure of the handler', async () => {
    const errors: unknown[] = [];
    const protocol = http(
      async (req, res) => {
        res.write('half');
        (req.connection as FakeConnection<unknown>).writeHalf = 'ended';
        res.write('more');
        await res.drained();
      },
      { onError: (error) => errors.push(error) },
    );
    const connection = new FakeConnection(protocol).receive(GET);
    await settled();
    expect(connection.calls).toEqual(['destroy', 'closed error']);
    expect(connection.destroyedWith).toMatchObject({ code: 'ERR_HTTP_PEER_GONE' });
    expect(errors).toEqual([]);
  });

  it('or in the middle of an answer, likewise', async () => {
    const { calls, handler } = keeping((_req, res) => void res.write('half'));
    const server = await TimedServer.serve(handler);
    server.receive(GET);
    calls[0]?.req.connection.destroy();
    expect(calls[0]?.res.write('more')).toBe(false);
    expect(() => calls[0]?.res.end()).not.toThrow();
    expect(server.sent).toMatch(/\r\n4\r\nhalf\r\n$/);
  });
});

describe('a handler that declares a wrong length', () => {
  const wrong: [how: string, declared: number, first: string, last: string][] = [
    ['more than it sends', 10, 'abc', 'def'],
    ['less than it sends', 2, 'a', 'bc'],
  ];
  for (const [how, declared, first, last] of wrong) {
    it(`of ${how}, the head being out, tears the connection: the peer sees a cut answer`, async () => {
      const server = await TimedServer.serve(async (_req, res) => {
        res.setHeader('Content-Length', declared).write(first);
        await settled();
        res.end(last);
      });
      await server.receive(GET + GET).settle();
      await server.settle();
      expect(server.closed).toEqual(['error']);
      expect(server.errors).toMatchObject([{ code: 'ERR_HTTP_LENGTH_MISMATCH' }]);
      expect(server.sent.endsWith(`\r\n\r\n${first}`)).toBe(true);
      expect(() => server.answers).toThrow(/a body is cut/);
      expect(server.stats()).toMatchObject({ requests: 1, answers: 0, aborted: 1, handlerErrors: 1 });
    });
  }

  it('before anything is out gets a 500 in its place', async () => {
    const server = await TimedServer.serve((_req, res) => res.setHeader('Content-Length', 10).end('abc'));
    server.receive(GET);
    expect(server.answers).toMatchObject([{ status: 500 }]);
    expect(server.errors).toMatchObject([{ code: 'ERR_HTTP_LENGTH_MISMATCH' }]);
    expect(server.closed).toEqual([]);
  });
});
