/** `http.fetch()`: `text()`, `json()` and their like of the Request, and the bound of what they collect. */
import { HttpRequestError, http } from '@sluice/http-lite';
import { describe, expect, it } from 'vitest';
import { COLLECTORS, type Collecting, type Collector } from '../src/fetch/fetch-collecting.ts';
import { type Answer, parseAnswers } from './answers.ts';
import { FakeConnection } from './fake-connection.ts';
import { answerOf, ask, GET, serve } from './fetch-serving.ts';
import { settled } from './replay.ts';

const FORM = 'application/x-www-form-urlencoded';

function post(body: string, more = ''): string {
  return `POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${body.length}\r\n${more}\r\n${body}`;
}

const collect = (request: Request, name: Collector) => (request as unknown as Collecting)[name]();

/** What the platform's own makes of the same body. */
async function platforms(name: Collector, body: string, type: string): Promise<unknown> {
  const headers = { 'content-type': type };
  return plain(await collect(new Request('http://a', { method: 'POST', body, headers }), name));
}

async function plain(value: unknown): Promise<unknown> {
  if (value instanceof Blob) return [value.type, await value.text()];
  if (value instanceof FormData) return [...value];
  if (value instanceof ArrayBuffer) return ['buffer', String(Buffer.from(value))];
  if (value instanceof Uint8Array)
    return [Object.getPrototypeOf(value) === Uint8Array.prototype, String(value)];
  return value;
}

describe('what a Request collects', () => {
  it.each(COLLECTORS)('by %s() is what the platform’s own makes of the body', async (name) => {
    const body = name === 'json' ? '{"a":1}' : 'a=1&b=2';
    const seen: unknown[] = [];
    await answerOf(
      async (request) => {
        const outcome = collect(request, name);
        seen.push(request.bodyUsed, await plain(await outcome), request.bodyUsed);
        seen.push(request.body?.locked, await collect(request, name).catch((error: Error) => error.name));
        expect(() => request.clone()).toThrow(TypeError);
        return new Response();
      },
      post(body, `Content-Type: ${FORM}\r\n`),
    );
    expect(seen).toEqual([true, await platforms(name, body, FORM), true, true, 'TypeError']);
  });

  it('is text without a byte order mark, and JSON whose errors are SyntaxErrors', async () => {
    const marked = post('\u00ef\u00bb\u00bf{');
    const answer = await answerOf(async (request) => new Response(await request.text()), marked);
    expect(answer.body).toBe('{');
    const { errors } = await ask(async (request) => Response.json(await request.json()), marked);
    expect(errors).toHaveLength(1);
    expect(errors[0]).toBeInstanceOf(SyntaxError);
  });

  it('after the body was looked at, is still all of it; after it was read, nothing', async () => {
    const whole = await answerOf(async (request) => {
      expect([request.body?.locked, request.bodyUsed]).toEqual([false, false]);
      return new Response(await request.text());
    }, post('whole'));
    expect(whole.body).toBe('whole');
    const touched: Record<string, (request: Request) => unknown> = {
      locked: ({ body }) => body!.getReader(),
      cancelled: ({ body }) => body!.cancel(),
      read: async ({ body }) => {
        const reader = body!.getReader();
        await reader.read();
        reader.releaseLock();
      },
    };
    for (const touch of Object.values(touched)) {
      const answer = await answerOf(async (request) => {
        await touch(request);
        return new Response(await request.text().catch((error: Error) => error.name));
      }, post('body'));
      expect(answer.body).toBe('TypeError');
    }
  });

  it.each(COLLECTORS)(
    'by %s() is bounded by limits.collectBytes: 413, counted, and nobody is told',
    async (name) => {
      const errors: unknown[] = [];
      const seen: unknown[] = [];
      const protocol = http.fetch(
        (request) =>
          collect(request, name).catch((error: unknown) => {
            seen.push(error);
            throw error;
          }) as Promise<never>,
        { limits: { collectBytes: 4 }, onError: (error) => errors.push(error) },
      );
      const connection = new FakeConnection(protocol);
      connection.receive(post('12345', `Content-Type: ${FORM}\r\n`));
      await settled();
      const message = 'the body exceeds the 4 bytes that are collected; iterate it, or raise the limit';
      expect(parseAnswers(connection.take())).toMatchObject([
        { status: 413, body: `413 Content Too Large: ${message}\n` },
      ]);
      expect(seen[0]).toBeInstanceOf(HttpRequestError);
      expect(seen).toMatchObject([{ code: 'ERR_HTTP_BODY_TOO_LARGE', message }]);
      expect(errors).toEqual([]);
      expect(protocol.stats().limited.collectBytes).toBe(1);
    },
  );

  it('has that bound after the body was looked at too; the stream has none', async () => {
    const limits = { collectBytes: 4 };
    const answers: Answer[] = [];
    for (const read of [
      (request: Request) => (request.body === null ? 'no body' : request.text()),
      (request: Request) => new Response(request.body).text(),
      (request: Request) => request.clone().text(),
    ]) {
      const { connection } = serve(async (request) => new Response(await read(request)), limits);
      connection.receive(post('12345'));
      await settled();
      answers.push(...parseAnswers(connection.take()));
    }
    expect(answers.map(({ status }) => status)).toEqual([413, 200, 200]);
  });

  it('but is refused has an answer that frameworks find on the error, as Hono does', async () => {
    const limits = { collectBytes: 4 };
    const { connection, errors } = serve(async (request) => {
      const error: unknown = await request.text().catch((thrown: unknown) => thrown);
      return (error as HttpRequestError).getResponse();
    }, limits);
    connection.receive(post('12345'));
    await settled();
    const [answer] = parseAnswers(connection.take());
    expect(answer).toMatchObject({
      status: 413,
      headers: { 'content-type': 'text/plain; charset=utf-8' },
      body: expect.stringMatching(/^413 Content Too Large: the body exceeds /),
    });
    expect(errors).toEqual([]);
  });

  it('is not whole when the peer ends too early, and rejects once the answer has ended', async () => {
    const kept: Promise<string>[] = [];
    const { connection, errors } = serve((request) => {
      if (request.method === 'POST') kept.push(request.text());
      return new Response('early');
    });
    connection.receive(post('body').slice(0, -1));
    await settled();
    // Nobody listens yet, and the process is not ended by that.
    await settled();
    connection.receive(`y${GET}`);
    await settled();
    expect(parseAnswers(connection.take()).map(({ body }) => body)).toEqual(['early', 'early']);
    await expect(kept[0]).rejects.toMatchObject({ code: 'ERR_HTTP_BODY_DISCARDED' });
    const late: Request[] = [];
    const other = serve((request) => {
      late.push(request);
      return new Response('early');
    });
    other.connection.receive(post('body') + post('body'));
    await settled();
    await settled();
    const discarded = { code: 'ERR_HTTP_BODY_DISCARDED' };
    await expect(late[0]!.text()).rejects.toMatchObject(discarded);
    await expect(late[1]!.body!.getReader().read()).rejects.toMatchObject(discarded);
    expect([...errors, ...other.errors]).toEqual([]);
  });
});
