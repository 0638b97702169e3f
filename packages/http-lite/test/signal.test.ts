/** `req.signal`: aborted when nobody is likely to want the answer, and at no other time. */
import { setTimeout as delay } from 'node:timers/promises';
import { type HttpHandler, HttpPeerError, type HttpRequest, HttpRequestError, http } from '@sluice/http-lite';
import { describe, expect, it } from 'vitest';
import { parseAnswers } from './answers.ts';
import { FakeConnection } from './fake-connection.ts';
import { settled } from './replay.ts';

const GET = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';
const CHUNKED = 'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n';

function serve(handler: HttpHandler) {
  const errors: unknown[] = [];
  const connection = new FakeConnection(http(handler, { onError: (error) => errors.push(error) }));
  return { connection, errors };
}

/** A handler that never answers; its requests are kept. */
function waiting() {
  const requests: HttpRequest[] = [];
  const handler: HttpHandler = (req) => void requests.push(req);
  return { requests, handler };
}

describe('the signal of a request', () => {
  it('is one and the same, and not aborted while all is well', () => {
    const { requests, handler } = waiting();
    serve(handler).connection.receive(GET);
    const signal = requests[0]!.signal;
    expect(signal).toBeInstanceOf(AbortSignal);
    expect(requests[0]!.signal).toBe(signal);
    expect(signal.aborted).toBe(false);
  });

  it('is aborted when the connection closes, with what closed it', () => {
    const { requests, handler } = waiting();
    const { connection } = serve(handler);
    connection.receive(GET);
    const { signal } = requests[0]!;
    const cause = new Error('ECONNRESET');
    connection.reset(cause);
    expect(signal.aborted).toBe(true);
    expect(signal.reason).toBeInstanceOf(HttpPeerError);
    expect(signal.reason).toMatchObject({ code: 'ERR_HTTP_PEER_GONE', cause });
  });

  it('tells the same when it is asked for after the fact', () => {
    const { requests, handler } = waiting();
    const { connection } = serve(handler);
    connection.receive(GET).reset();
    expect(requests[0]!.signal.aborted).toBe(true);
    expect(requests[0]!.signal.reason).toMatchObject({ code: 'ERR_HTTP_PEER_GONE' });
  });

  it('is aborted when the peer ends its side, and an answer is still sent', () => {
    let end = () => {};
    let signal: AbortSignal | undefined;
    const { connection } = serve((req, res) => {
      signal = req.signal;
      end = () => res.end('still here');
    });
    connection.receive(GET).receiveEnd();
    expect(signal?.reason).toBeInstanceOf(HttpPeerError);
    expect(signal?.reason).toMatchObject({ code: 'ERR_HTTP_PEER_ENDED' });
    end();
    expect(parseAnswers(connection.take())).toMatchObject([{ status: 200, body: 'still here' }]);
    expect(connection.calls).toEqual(['close', 'closed clean']);
  });

  it('of a request whose body was cut says so', () => {
    const { requests, handler } = waiting();
    serve(handler).connection.receive(`${CHUNKED}5\r\nhel`).receiveEnd();
    expect(requests[0]!.signal.reason).toMatchObject({ code: 'ERR_HTTP_BODY_TRUNCATED' });
  });

  it('of a request that is refused in the middle of its body has that as reason', () => {
    const { requests, handler } = waiting();
    const { connection } = serve(handler);
    connection.receive(`${CHUNKED}no size\r\n`);
    expect(requests[0]!.signal.reason).toBeInstanceOf(HttpRequestError);
    expect(requests[0]!.signal.reason).toMatchObject({ code: 'ERR_HTTP_CHUNK' });
    expect(parseAnswers(connection.take())).toMatchObject([{ status: 400 }]);
  });

  it('is never aborted once the answer has ended', () => {
    const requests: HttpRequest[] = [];
    const { connection } = serve((req, res) => {
      requests.push(req);
      if (requests.length === 1) void req.signal;
      res.end();
    });
    connection.receive(GET + GET).receiveEnd();
    expect(connection.calls.at(-1)).toBe('closed clean');
    expect(requests.map(({ signal }) => signal.aborted)).toEqual([false, false]);
  });

  it('is aborted for the request that is being answered, not for those behind it', async () => {
    const requests: HttpRequest[] = [];
    const ends: (() => void)[] = [];
    const { connection } = serve((req, res) => {
      requests.push(req);
      ends.push(() => res.end());
    });
    connection.receive(GET + GET).receiveEnd();
    ends[0]?.();
    expect(requests.map(({ signal }) => signal.aborted)).toEqual([true, false]);
    ends[1]?.();
    expect(parseAnswers(connection.take()).length).toBe(2);
  });

  it('may be listened to by somebody who then answers, ends, or destroys the connection', () => {
    for (const act of ['answer', 'close', 'destroy'] as const) {
      const { connection, errors } = serve((req, res) => {
        req.signal.addEventListener('abort', () => {
          if (act === 'answer') res.end();
          else req.connection[act]();
        });
      });
      connection.receive(GET).receiveEnd();
      expect(connection.calls.at(-1), act).toBe('closed clean');
      expect(errors).toEqual([]);
    }
  });

  it('given to what a handler waits for makes that fail, and nobody is told of it', async () => {
    for (const leave of ['reset', 'receiveEnd'] as const) {
      const { connection, errors } = serve(async (req, res) => {
        await delay(60_000, undefined, { signal: req.signal });
        res.end();
      });
      connection.receive(GET);
      await settled();
      connection[leave]();
      await settled();
      expect(errors, leave).toEqual([]);
    }
  });

  it('that was passed on and rejects with its reason is told of as little', async () => {
    const { connection, errors } = serve(async (req) => {
      await new Promise((_resolve, reject) => {
        req.signal.addEventListener('abort', () => reject(req.signal.reason));
      });
    });
    connection.receive(GET).receiveEnd();
    await settled();
    expect(errors).toEqual([]);
    expect(parseAnswers(connection.take())).toMatchObject([{ status: 500 }]);
  });

  it('of somebody else is no excuse', async () => {
    const { connection, errors } = serve(async () => {
      await delay(60_000, undefined, { signal: AbortSignal.abort() });
    });
    connection.receive(GET);
    await settled();
    expect(errors).toMatchObject([{ name: 'AbortError' }]);
    expect(parseAnswers(connection.take())).toMatchObject([{ status: 500 }]);
  });
});
