/**
 * What a slow peer owes between bodies, and what becomes of it: a head, the next request, room for the last answer.
 * What it owes of a body is in `body-deadlines.test.ts`.
 */
import type { HttpHandler } from '@sluice/http-lite';
import { describe, expect, it } from 'vitest';
import { TICKS_MS, TimedServer } from './timed-server.ts';

const GET = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';
const hello: HttpHandler = (_req, res) => res.end('hello');

describe('P56 the head of a request', () => {
  it('that is not here in time is answered with 408 and the close', async () => {
    const server = await TimedServer.serve(hello, { headTimeoutMs: 1_000 });
    server.receive(GET.slice(0, 20));
    await server.pass(999);
    expect(server.sent).toBe('');
    await server.pass(1 + TICKS_MS);
    expect(server.answers).toMatchObject([
      {
        status: 408,
        headers: { connection: 'close' },
        body: '408 Request Timeout: a request head has to be here 1000 ms after its first byte\n',
      },
    ]);
    expect(server.hasEnded).toBe(true);
    expect(server.errors).toEqual([]);
    expect(server.stats()).toMatchObject({
      requests: 0,
      refused: { ERR_HTTP_HEAD_TIMEOUT: 1 },
      limited: { headTimeoutMs: 1 },
    });
  });

  it('has no more time for coming byte by byte', async () => {
    const server = await TimedServer.serve(hello, { headTimeoutMs: 1_000 });
    for (let step = 0; step < 9; step++) {
      server.receive(GET.slice(step, step + 1));
      await server.pass(100);
    }
    expect(server.sent).toBe('');
    server.receive(GET.slice(9, 10));
    await server.pass(100 + TICKS_MS);
    expect(server.answers).toMatchObject([{ status: 408 }]);
  });

  it('has its time from its own first byte, behind other requests too', async () => {
    const server = await TimedServer.serve(hello, { headTimeoutMs: 1_000 });
    for (let round = 0; round < 3; round++) {
      await server.pass(900);
      server.receive(GET.slice(0, 20));
      await server.pass(900);
      server.receive(GET.slice(20));
    }
    expect(server.answers.map(({ status }) => status)).toEqual([200, 200, 200]);
    server.receive(GET.slice(0, 20));
    await server.pass(1_000 + TICKS_MS);
    expect(server.answers.map(({ status }) => status)).toEqual([200, 200, 200, 408]);
  });

  it('does not owe the time for which its handler’s predecessor was at work', async () => {
    let end = () => {};
    const handler: HttpHandler = (_req, res) => {
      end = () => res.end();
    };
    const server = await TimedServer.serve(handler, { headTimeoutMs: 1_000 });
    server.receive(GET + GET.slice(0, 20));
    await server.pass(10_000);
    expect(server.sent).toBe('');
    end();
    await server.pass(900);
    server.receive(GET.slice(20));
    end();
    await server.settle();
    expect(server.answers.map(({ status }) => status)).toEqual([200, 200]);
  });

  it('of a HEAD request is refused without a body', async () => {
    const server = await TimedServer.serve(hello, { headTimeoutMs: 1_000 });
    server.receive('HEAD / HTTP/1.1\r\nHost');
    await server.pass(1_000 + TICKS_MS);
    expect(server.sent).toMatch(/^HTTP\/1\.1 408 Request Timeout\r\n.*\r\n\r\n$/s);
  });

  it('that never begins, empty lines apart, is no request that could be answered', async () => {
    const server = await TimedServer.serve(hello, { headTimeoutMs: 1_000 });
    server.receive('\r\n');
    await server.pass(1_000 + TICKS_MS);
    expect(server.sent).toBe('');
    expect(server.hasEnded).toBe(true);
    expect(server.stats().limited.headTimeoutMs).toBe(1);
  });

  it('may take as long as it likes with 0', async () => {
    const server = await TimedServer.serve(hello, { headTimeoutMs: 0 });
    server.receive(GET.slice(0, 20));
    await server.pass(200_000);
    server.receive(GET.slice(20));
    expect(server.answers).toMatchObject([{ status: 200 }]);
  });
});

describe('P55 the next request', () => {
  it('that does not come in time ends the connection, without a status', async () => {
    const server = await TimedServer.serve(hello, { keepAliveTimeoutMs: 1_000 });
    server.receive(GET);
    await server.pass(999);
    expect(server.hasEnded).toBe(false);
    await server.pass(1 + TICKS_MS);
    expect(server.hasEnded).toBe(true);
    expect(server.answers.length).toBe(1);
    server.receiveEnd();
    expect(server.closed).toEqual(['clean']);
    expect(server.stats().limited.keepAliveTimeoutMs).toBe(1);
  });

  const ways: Record<string, HttpHandler> = {
    'at once': hello,
    later: async (_req, res) => {
      await undefined;
      res.end();
    },
  };
  for (const [way, handler] of Object.entries(ways)) {
    it(`has its time from the answer before it, given ${way}`, async () => {
      const server = await TimedServer.serve(handler, { keepAliveTimeoutMs: 1_000 });
      for (let round = 0; round < 5; round++) {
        await server.receive(GET).settle();
        await server.pass(900);
      }
      expect(server.answers.length).toBe(5);
      expect(server.hasEnded).toBe(false);
      await server.pass(100 + TICKS_MS);
      expect(server.hasEnded).toBe(true);
    });
  }

  it('is not owed while an answer is outstanding', async () => {
    let end = () => {};
    const handler: HttpHandler = (_req, res) => {
      end = () => res.end();
    };
    const server = await TimedServer.serve(handler, { keepAliveTimeoutMs: 1_000 });
    server.receive(GET);
    end();
    server.receive(GET);
    await server.pass(10_000);
    expect(server.hasEnded).toBe(false);
    end();
    await server.settle();
    expect(server.answers.length).toBe(2);
  });

  it('is not owed while its peer still takes the answer before it', async () => {
    const server = await TimedServer.serve((_req, res) => res.end('x'.repeat(5_000)), {
      keepAliveTimeoutMs: 1_000,
    });
    server.blockWrites().receive(GET);
    for (let step = 0; step < 30; step++) {
      server.take(100);
      await server.pass(100);
    }
    server.takeAll().receive(GET);
    expect(server.answers).toMatchObject([{ body: 'x'.repeat(5_000) }, { body: 'x'.repeat(5_000) }]);
    await server.pass(1_000 + TICKS_MS);
    expect(server.hasEnded).toBe(true);
  });

  it('costs no timer of its own, and none is left when the connection is gone', async () => {
    const server = await TimedServer.serve(hello);
    const { timers } = server;
    for (let round = 0; round < 100; round++) server.receive(GET);
    expect(server.timers).toBe(timers);
    server.receiveEnd();
    expect(server.closed).toEqual(['clean']);
    expect(server.timers).toBe(0);
  });
});

describe('P25 the last answer', () => {
  const close: HttpHandler = (_req, res) => res.setHeader('Connection', 'close').end('x'.repeat(100_000));

  it('leaves whole to a peer that takes it slowly, although the connection is to close', async () => {
    const server = await TimedServer.serve(close);
    server.blockWrites().receive(GET);
    for (let step = 0; step < 20; step++) {
      server.take(4_000);
      await server.pass(1_000);
    }
    expect(server.closed).toEqual([]);
    server.takeAll();
    expect(server.answers).toMatchObject([{ status: 200, body: 'x'.repeat(100_000) }]);
    expect(server.hasEnded).toBe(true);
    server.receiveEnd();
    expect(server.closed).toEqual(['clean']);
  });

  it('is not waited for when the peer takes nothing any more', async () => {
    const server = await TimedServer.serve(close);
    server.blockWrites().receive(GET);
    await server.pass(60_000 + TICKS_MS);
    expect(server.closed).toEqual(['timeout']);
  });

  it('that has left gives a peer that never ends ten seconds at most', async () => {
    const server = await TimedServer.serve(close);
    server.blockWrites().receive(GET).takeAll();
    expect(server.hasEnded).toBe(true);
    await server.pass(10_000 + 2 * TICKS_MS);
    expect(server.closed).toEqual(['timeout']);
  });
});
