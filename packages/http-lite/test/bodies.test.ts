import {
  type HttpHandler,
  type HttpLimits,
  HttpPeerError,
  HttpRequestError,
  HttpUsageError,
  http,
} from '@sluice/http-lite';
import { describe, expect, it } from 'vitest';
import { parseAnswers } from './answers.ts';
import { FakeConnection } from './fake-connection.ts';
import { settled } from './replay.ts';

const post = (length: number, lines = '') =>
  `POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${length}\r\n${lines}\r\n`;
const CHUNKED = 'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n';
const GET = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';

function serve(handler: HttpHandler, limits: Partial<HttpLimits> = {}) {
  const errors: unknown[] = [];
  const connection = new FakeConnection(http(handler, { limits, onError: (error) => errors.push(error) }));
  return { connection, errors };
}

/** Collects in a variable of the test what the handler's promise gave. */
function reading(read: (req: Parameters<HttpHandler>[0]) => Promise<unknown>) {
  const seen: unknown[] = [];
  const handler: HttpHandler = async (req, res) => {
    try {
      seen.push(await read(req));
    } catch (error) {
      seen.push(error);
    }
    res.end('done');
  };
  return { seen, handler };
}

describe('reading a body', () => {
  it('iterates over pieces that the reader owns', async () => {
    const { seen, handler } = reading(async (req) => {
      const pieces: Buffer[] = [];
      for await (const piece of req.body) pieces.push(piece);
      return pieces.map(String);
    });
    const { connection } = serve(handler);
    connection
      .receive(`${post(11)}hello`)
      .receive(' wor')
      .receive('ld');
    await settled();
    expect(seen).toEqual([['hello', ' wor', 'ld']]);
  });

  it('hands over the chunks of one arrival as one piece', async () => {
    const { seen, handler } = reading(async (req) => {
      const pieces: Buffer[] = [];
      for await (const piece of req.body) pieces.push(piece);
      return pieces.map(String);
    });
    const { connection } = serve(handler);
    connection.receive(`${CHUNKED}${'1\r\nx\r\n'.repeat(100)}`).receive('1\r\ny\r\n0\r\n\r\n');
    await settled();
    expect(seen).toEqual([['x'.repeat(100), 'y']]);
  });

  it('collects text as UTF-8 across pieces', async () => {
    const { seen, handler } = reading((req) => req.body.text());
    const { connection } = serve(handler);
    connection.receive(`${post(3)}\xe2\x98`).receive('\x83');
    await settled();
    expect(seen).toEqual(['☃']);
  });

  it('collects JSON, across pieces and whatever it is called', async () => {
    const { seen, handler } = reading((req) => req.body.json());
    const { connection } = serve(handler);
    connection.receive(`${post(15, 'Content-Type: text/plain\r\n')}{"a":[1,"\xe2\x98`).receive('\x83"]}');
    await settled();
    expect(seen).toEqual([{ a: [1, '☃'] }]);
  });

  it('as JSON that is none, or no UTF-8, or empty, is the peer’s fault', async () => {
    for (const body of ['{', '', '"\xff"', 'undefined']) {
      let failure: unknown;
      const { connection, errors } = serve(async (req, res) => {
        try {
          res.end(String(await req.body.json()));
        } catch (error) {
          failure = error;
          throw error;
        }
      });
      connection.receive(post(body.length) + body);
      await settled();
      expect(failure, body).toBeInstanceOf(HttpRequestError);
      expect(failure).toMatchObject({ code: 'ERR_HTTP_BODY_JSON', message: 'the body is not JSON in UTF-8' });
      expect((failure as Error).cause).toBeInstanceOf(Error);
      expect(errors).toEqual([]);
      expect(parseAnswers(connection.take())).toMatchObject([{ status: 400 }]);
    }
  });

  it('collects no more than it is told to, in each form', async () => {
    for (const form of ['bytes', 'text', 'json'] as const) {
      const { seen, handler } = reading((req) => req.body[form](4));
      const { connection } = serve(handler);
      connection.receive(`${post(5)}12345`);
      await settled();
      expect(seen[0], form).toBeInstanceOf(HttpRequestError);
      expect(seen[0]).toMatchObject({ code: 'ERR_HTTP_BODY_TOO_LARGE', status: 413 });
    }
  });

  it('may begin after all has arrived', async () => {
    const { seen, handler } = reading(async (req) => {
      await settled();
      return req.body.text();
    });
    const { connection } = serve(handler);
    connection.receive(`${post(5)}hello`);
    await settled();
    await settled();
    expect(seen).toEqual(['hello']);
  });

  it('may go on after the answer; the next request waits until the body is here', async () => {
    const seen: string[] = [];
    const { connection } = serve(async (req, res) => {
      const text = req.body.text();
      res.end(req.method);
      seen.push(`${req.method} ${await text}`);
    });
    connection.receive(`${post(10)}hello`);
    await settled();
    expect(parseAnswers(connection.take())).toMatchObject([{ body: 'POST' }]);
    expect(seen).toEqual([]);
    connection.receive(`world${GET}`);
    await settled();
    expect(seen.sort()).toEqual(['GET ', 'POST helloworld']);
    expect(connection.calls).toEqual([]);
  });

  it('may go on after the last answer; our side ends first, the connection when the body is through', async () => {
    let text = '';
    const { connection } = serve(async (req, res) => {
      const reading = req.body.text();
      res.end();
      text = await reading;
    });
    connection.receive(`${post(10, 'Connection: close\r\n')}hello`);
    expect(connection.calls).toEqual(['end']);
    connection.receive(`world${GET}`);
    await settled();
    expect(text).toBe('helloworld');
    expect(connection.calls).toEqual(['end', 'close']);
    expect(parseAnswers(connection.take())).toHaveLength(1);
  });

  it('twice is an error', async () => {
    const { seen, handler } = reading(async (req) => {
      await req.body.bytes();
      return req.body.bytes();
    });
    const { connection } = serve(handler);
    connection.receive(`${post(5)}hello`);
    await settled();
    expect(seen[0]).toBeInstanceOf(HttpUsageError);
    expect(seen[0]).toMatchObject({ code: 'ERR_HTTP_BODY_USED' });
  });

  it('after the answer ended without a reader is an error, never an empty body', async () => {
    let failure: unknown;
    const { connection } = serve(async (req, res) => {
      res.end();
      await req.body.text().catch((error) => {
        failure = error;
      });
    });
    connection.receive(`${post(5)}hello`);
    await settled();
    expect(failure).toMatchObject({ code: 'ERR_HTTP_BODY_DISCARDED' });
  });

  it('rejects with the cause when the connection closes', async () => {
    const { seen, handler } = reading((req) => req.body.text());
    const { connection, errors } = serve(handler);
    const cause = new Error('ECONNRESET');
    connection.receive(`${post(5)}hel`);
    await settled();
    connection.reset(cause);
    await settled();
    expect(seen[0]).toBeInstanceOf(HttpPeerError);
    expect(seen[0]).toMatchObject({ code: 'ERR_HTTP_PEER_GONE', cause });
    expect(errors).toEqual([]);
  });

  it('rejects at once when what waits is not the whole', async () => {
    const { seen, handler } = reading(async (req) => {
      await settled();
      return req.body.text();
    });
    const { connection } = serve(handler);
    connection.receive(`${post(5)}hel`).receiveEnd();
    await settled();
    await settled();
    expect(seen[0]).toMatchObject({ code: 'ERR_HTTP_BODY_TRUNCATED' });
    expect(connection.take()).toBe('');
  });
});

describe('a body that is not read', () => {
  it('is dropped, and the connection goes on', () => {
    const { connection } = serve((_req, res) => res.end());
    connection.receive(`${post(5)}hel`).receive(`lo${GET}`);
    expect(parseAnswers(connection.take())).toHaveLength(2);
    expect(connection.calls).toEqual([]);
  });

  it('and is known to be long closes the connection with the answer', () => {
    const { connection } = serve((_req, res) => res.end(), { discardBytes: 100 });
    connection.receive(`${post(101)}hel`);
    expect(parseAnswers(connection.take())).toMatchObject([
      { status: 200, headers: { connection: 'close' } },
    ]);
    expect(connection.calls).toEqual(['close']);
  });

  it('and turns out to be long closes the connection', () => {
    const { connection } = serve((_req, res) => res.end(), { discardBytes: 100 });
    connection.receive(`${CHUNKED}64\r\n${'x'.repeat(100)}\r\n`);
    expect(connection.calls).toEqual([]);
    connection.receive(`1\r\nx\r\n0\r\n\r\n${GET}`);
    expect(connection.calls).toEqual(['close']);
    expect(parseAnswers(connection.take())).toHaveLength(1);
  });

  it('and breaks the grammar behind its answer closes the connection: no second answer is sent', () => {
    const { connection, errors } = serve((_req, res) => res.end('first'));
    connection.receive(`${CHUNKED}5\r\nhel`).receive(`lono CRLF${GET}`);
    expect(parseAnswers(connection.take())).toMatchObject([{ status: 200, body: 'first' }]);
    expect(connection.calls).toEqual(['close']);
    expect(errors).toEqual([]);
  });

  it('to its end is dropped behind the reader that left', async () => {
    const { seen, handler } = reading(async (req) => {
      for await (const piece of req.body) return String(piece);
      return undefined;
    });
    const { connection } = serve(handler);
    connection.receive(`${post(10)}hello`);
    await settled();
    connection.receive(`world${GET}`);
    await settled();
    expect(seen).toEqual(['hello', undefined]);
    expect(parseAnswers(connection.take())).toHaveLength(2);
  });
});

describe('backpressure', () => {
  it('pauses the connection while more than bodyBufferBytes wait, and resumes it when half is read', async () => {
    let next: (() => Promise<unknown>) | undefined;
    const { connection } = serve(
      async (req, res) => {
        const pieces = req.body[Symbol.asyncIterator]();
        next = () => pieces.next();
        void res;
      },
      { bodyBufferBytes: 4000 },
    );
    connection.receive(post(100_000));
    for (let count = 0; count < 3; count++) connection.receive('x'.repeat(1000));
    expect(connection.calls).toEqual([]);
    connection.receive('x'.repeat(1000));
    expect(connection.calls).toEqual(['pause']);
    connection.receive('x'.repeat(1000));
    await next?.();
    await next?.();
    expect(connection.calls).toEqual(['pause']);
    await next?.();
    expect(connection.calls).toEqual(['pause', 'resume']);
    connection.turn();
    expect(connection.isPaused).toBe(false);
  });

  it('resumes a paused connection when the answer ends without a reader', () => {
    let end = () => {};
    const { connection } = serve(
      (_req, res) => {
        end = () => res.end();
      },
      { bodyBufferBytes: 100 },
    );
    connection.receive(post(1000) + 'x'.repeat(500));
    expect(connection.calls).toEqual(['pause']);
    end();
    expect(connection.calls).toEqual(['pause', 'resume']);
  });

  it('single bytes count for more than they are: a peer cannot fill memory with them', () => {
    const { connection } = serve(() => {}, { bodyBufferBytes: 10_000 });
    connection.receive(post(100_000));
    let arrived = 0;
    while (!connection.isPaused) {
      connection.receive('x');
      arrived++;
    }
    expect(arrived).toBeLessThan(100);
  });
});

describe('Expect: 100-continue', () => {
  const EXPECT = 'Expect: 100-Continue\r\n';

  it('is answered when the body is asked for', async () => {
    let begin = () => {};
    const { seen, handler } = reading(async (req) => {
      await new Promise<void>((resolve) => {
        begin = resolve;
      });
      return req.body.text();
    });
    const { connection } = serve(handler);
    connection.receive(post(5, EXPECT));
    await settled();
    expect(connection.take()).toBe('');
    begin();
    await settled();
    expect(connection.take()).toBe('HTTP/1.1 100 Continue\r\n\r\n');
    connection.receive(`hello${GET}`);
    await settled();
    begin();
    await settled();
    expect(seen).toEqual(['hello', '']);
    expect(parseAnswers(connection.take())).toHaveLength(2);
  });

  it('is not answered when the body has come unasked', async () => {
    const { seen, handler } = reading((req) => req.body.text());
    const { connection } = serve(handler);
    connection.receive(`${post(5, EXPECT)}hello`);
    await settled();
    expect(seen).toEqual(['hello']);
    expect(connection.take()).toMatch(/^HTTP\/1\.1 200 /);
  });

  it('is not answered when the head of the answer has been sent', async () => {
    const { connection } = serve(async (req, res) => {
      res.write('a');
      await req.body.text();
      res.end();
    });
    connection.receive(post(5, EXPECT));
    await settled();
    expect(connection.take()).not.toContain('100 Continue');
  });

  it('and an answer without reading closes the connection: nobody knows whether the body comes', () => {
    const { connection } = serve((_req, res) => res.end());
    connection.receive(post(5, EXPECT));
    expect(parseAnswers(connection.take())).toMatchObject([
      { status: 200, headers: { connection: 'close' } },
    ]);
    expect(connection.calls).toEqual(['close']);
  });

  it('without a body, or in HTTP/1.0, is ignored', async () => {
    const { handler } = reading((req) => req.body.text());
    const { connection } = serve(handler);
    connection.receive(`GET / HTTP/1.1\r\nHost: a\r\n${EXPECT}\r\n`);
    connection.receive(`POST / HTTP/1.0\r\nContent-Length: 1\r\n${EXPECT}\r\n`).receive('x');
    await settled();
    expect(connection.take()).not.toContain('100 Continue');
  });
});
