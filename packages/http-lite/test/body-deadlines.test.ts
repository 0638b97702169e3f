/** What a slow peer owes of a request body, from when on, and what becomes of it: its rate in each window, and its time in all. */
import { type HttpHandler, HttpRequestError } from '@sluice/http-lite';
import { describe, expect, it } from 'vitest';
import { TICKS_MS, TimedServer } from './timed-server.ts';

const post = (length: number, lines = '') =>
  `POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${length}\r\n${lines}\r\n`;
const hello: HttpHandler = (_req, res) => res.end('hello');

/** Answers with the body, and keeps what reading it threw. */
function reading() {
  const failures: unknown[] = [];
  const handler: HttpHandler = async (req, res) => {
    try {
      res.end(await req.body.text());
    } catch (error) {
      failures.push(error);
      throw error;
    }
  };
  return { failures, handler };
}

describe('P56 the body of a request', () => {
  const SLOW = { minBodyBytesPerSecond: 100, bodyRateWindowMs: 1_000 };

  it('that comes too slowly is answered with 408, and its reader is told', async () => {
    const { failures, handler } = reading();
    const server = await TimedServer.serve(handler, SLOW);
    server.receive(post(1_000));
    for (let step = 0; step < 9; step++) {
      server.receive('x'.repeat(11));
      await server.pass(100);
    }
    expect(server.sent).toBe('');
    await server.pass(100 + TICKS_MS);
    const message = 'of a request body 100 bytes a second have to come, over 1000 ms';
    expect(server.answers).toMatchObject([
      { status: 408, headers: { connection: 'close' }, body: `408 Request Timeout: ${message}\n` },
    ]);
    expect(failures[0]).toBeInstanceOf(HttpRequestError);
    expect(failures).toMatchObject([{ code: 'ERR_HTTP_BODY_RATE', status: 408, message }]);
    expect(server.errors).toEqual([]);
    expect(server.stats()).toMatchObject({
      refused: { ERR_HTTP_BODY_RATE: 1 },
      limited: { minBodyBytesPerSecond: 1 },
    });
  });

  it('may take long when enough of it comes in each window', async () => {
    const { handler } = reading();
    const server = await TimedServer.serve(handler, SLOW);
    server.receive(post(2_000));
    for (let window = 0; window < 18; window++) {
      server.receive('x'.repeat(111));
      await server.pass(1_000);
    }
    server.receive('x'.repeat(2));
    await server.settle();
    expect(server.answers).toMatchObject([{ status: 200 }]);
    await server.pass(10_000);
    expect(server.answers.length).toBe(1);
  });

  it('counts decoded: framing alone is nothing', async () => {
    const { failures, handler } = reading();
    const server = await TimedServer.serve(handler, SLOW);
    server.receive('POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n');
    server.receive(`1;${'x'.repeat(500)}\r\ny\r\n`);
    await server.pass(1_000 + TICKS_MS);
    expect(failures).toMatchObject([{ code: 'ERR_HTTP_BODY_RATE' }]);
  });

  it('is not asked for while the handler lets it wait', async () => {
    let read: () => void = () => {};
    const gate = new Promise<void>((resolve) => {
      read = resolve;
    });
    const handler: HttpHandler = async (req, res) => {
      await gate;
      res.end(await req.body.text());
    };
    const server = await TimedServer.serve(handler, { ...SLOW, bodyBufferBytes: 100, bodyTimeoutMs: 1_500 });
    server.receive(post(1_000) + 'x'.repeat(500));
    await server.pass(60_000);
    expect(server.sent).toBe('');
    read();
    await server.settle();
    await server.pass(900);
    server.receive('x'.repeat(500));
    await server.settle();
    expect(server.answers).toMatchObject([{ status: 200 }]);
    expect(server.stats().limited.bodyBufferBytes).toBe(1);
  });

  it('is owed from the 100 Continue on, not while the client waits for that', async () => {
    let read: () => void = () => {};
    const gate = new Promise<void>((resolve) => {
      read = resolve;
    });
    const handler: HttpHandler = async (req, res) => {
      await gate;
      res.end(await req.body.text());
    };
    const server = await TimedServer.serve(handler, SLOW);
    server.receive(post(5, 'Expect: 100-continue\r\n'));
    await server.pass(30_000);
    read();
    await server.settle();
    expect(server.sent).toBe('HTTP/1.1 100 Continue\r\n\r\n');
    await server.pass(900);
    expect(server.answers.length).toBe(1);
    await server.pass(100 + TICKS_MS);
    expect(server.answers.at(-1)).toMatchObject({ status: 408 });
  });

  it('is owed also by a client whose answer began before it was told to go on', async () => {
    const failures: unknown[] = [];
    const handler: HttpHandler = async (req, res) => {
      res.write('early');
      await req.body.text().catch((error) => failures.push(error));
      res.end();
    };
    const server = await TimedServer.serve(handler, SLOW);
    server.receive(post(5, 'Expect: 100-continue\r\n'));
    await server.pass(1_000 + TICKS_MS);
    expect(failures).toMatchObject([{ code: 'ERR_HTTP_BODY_RATE' }]);
    expect(server.answers).toMatchObject([{ status: 200, body: 'early' }]);
    expect(server.hasEnded).toBe(true);
  });

  it('that is not here in time is answered with 408, however much of it came', async () => {
    const { failures, handler } = reading();
    const server = await TimedServer.serve(handler, { ...SLOW, bodyTimeoutMs: 2_500 });
    server.receive(post(100_000));
    for (let step = 0; step < 24; step++) {
      server.receive('x'.repeat(1_000));
      await server.pass(100);
    }
    expect(server.sent).toBe('');
    await server.pass(300 + TICKS_MS);
    const message = 'a request body has to be here 2500 ms after its head';
    expect(server.answers).toMatchObject([{ status: 408, body: `408 Request Timeout: ${message}\n` }]);
    expect(failures[0]).toBeInstanceOf(HttpRequestError);
    expect(failures).toMatchObject([{ code: 'ERR_HTTP_BODY_TIMEOUT', message }]);
    expect(server.stats()).toMatchObject({
      refused: { ERR_HTTP_BODY_TIMEOUT: 1 },
      limited: { bodyTimeoutMs: 1, minBodyBytesPerSecond: 0 },
    });
  });

  it('is judged window by window: what came before is no credit', async () => {
    const { failures, handler } = reading();
    const server = await TimedServer.serve(handler, SLOW);
    server.receive(post(100_000) + 'x'.repeat(50_000));
    await server.pass(1_000 + TICKS_MS);
    expect(failures).toEqual([]);
    await server.pass(1_000 + TICKS_MS);
    expect(failures).toMatchObject([{ code: 'ERR_HTTP_BODY_RATE' }]);
  });

  it('has its own time, and the time before its reader let it wait counts', async () => {
    const reads: (() => Promise<unknown>)[] = [];
    const handler: HttpHandler = async (req, res) => {
      const pieces = req.body[Symbol.asyncIterator]();
      reads.push(async () => (await pieces.next()).done === true && res.end());
    };
    const limits = { ...SLOW, bodyBufferBytes: 10_000, bodyTimeoutMs: 3_500 };
    const server = await TimedServer.serve(handler, limits);
    for (const request of [0, 1]) {
      server.receive(post(12_000));
      for (let window = 0; window < 3; window++) {
        server.receive('x'.repeat(1_000));
        await server.pass(1_000 + TICKS_MS);
      }
      // The first is whole now, the second a byte short and paused: nothing of this counts.
      server.receive('x'.repeat(9_000 - request));
      await server.pass(60_000);
      if (request === 0) for (let read = 0; read < 5; read++) await reads[0]?.();
      await server.settle();
    }
    expect(server.answers).toMatchObject([{ status: 200 }]);
    for (let read = 0; read < 4; read++) await reads[1]?.();
    await server.settle();
    await server.pass(400);
    expect(server.answers.length).toBe(1);
    await server.pass(100 + TICKS_MS);
    expect(server.answers.at(-1)).toMatchObject({ status: 408 });
    expect(server.stats().limited).toMatchObject({ bodyTimeoutMs: 1, bodyBufferBytes: 1 });
  });

  it('that nobody reads closes the connection: its answer was sent, and no other follows', async () => {
    const server = await TimedServer.serve(hello, SLOW);
    server.receive(`${post(1_000)}x`);
    await server.pass(1_000 + TICKS_MS);
    expect(server.answers).toMatchObject([{ status: 200 }]);
    expect(server.hasEnded).toBe(true);
    expect(server.stats().limited.minBodyBytesPerSecond).toBe(1);
  });

  it('that is read after the last answer is cut as well', async () => {
    const failures: unknown[] = [];
    const handler: HttpHandler = async (req, res) => {
      const text = req.body.text();
      res.setHeader('Connection', 'close').end();
      await text.catch((error) => failures.push(error));
    };
    const server = await TimedServer.serve(handler, SLOW);
    server.receive(post(1_000));
    await server.pass(1_000 + TICKS_MS);
    expect(failures).toMatchObject([{ code: 'ERR_HTTP_BODY_RATE' }]);
    await server.pass(6_000);
    expect(server.closed).toEqual(['timeout']);
    expect(server.answers).toMatchObject([{ status: 200 }]);
  });

  it('tears an answer that has begun only if its handler does not care', async () => {
    const handler: HttpHandler = async (req, res) => {
      res.write('half');
      res.end(await req.body.text());
    };
    const server = await TimedServer.serve(handler, SLOW);
    server.receive(post(1_000));
    await server.pass(1_000 + TICKS_MS);
    expect(server.closed).toEqual(['error']);
    expect(server.sent).not.toContain('\r\n0\r\n');
    expect(server.errors).toEqual([]);
  });

  it('has no deadline with both limits at 0', async () => {
    const { handler } = reading();
    const server = await TimedServer.serve(handler, { minBodyBytesPerSecond: 0 });
    server.receive(post(1));
    await server.pass(200_000);
    server.receive('x');
    await server.settle();
    expect(server.answers).toMatchObject([{ status: 200, body: 'x' }]);
  });
});
