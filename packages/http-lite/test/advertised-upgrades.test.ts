/** Answers with Upgrade: what a client could go on with, while HTTP goes on. Those that switch are in `upgrades.test.ts`. */
import { type HttpHandler, http } from '@sluice/http-lite';
import { describe, expect, it } from 'vitest';
import { parseAnswers } from './answers.ts';
import { FakeConnection } from './fake-connection.ts';
import { answerOf, ask, GET } from './fetch-serving.ts';
import { settled } from './replay.ts';

/** All that `handler` sends to two requests, and what became of the connection. */
function exchange(handler: HttpHandler, wire = GET + GET) {
  const errors: unknown[] = [];
  const connection = new FakeConnection(http(handler, { onError: (error) => errors.push(error) }));
  connection.receive(wire);
  return { connection, errors, sent: connection.take() };
}

/** The lines of a head that are about the connection. */
function connectionLines(sent: string): string[] {
  const head = sent.slice(0, sent.indexOf('\r\n\r\n'));
  return head.split('\r\n').filter((line) => /^(?:connection|upgrade):/i.test(line));
}

describe('an answer with Upgrade', () => {
  it.each([200, 204, 426, 503])(
    'and status %s names it in Connection, and the connection goes on',
    (status) => {
      const { connection, sent, errors } = exchange((_req, res) => {
        res.status = status;
        res.setHeader('Upgrade', 'websocket, h2c, HTTP/2.0').end();
      });
      expect(connectionLines(sent)).toEqual(['Connection: Upgrade', 'Upgrade: websocket, h2c, HTTP/2.0']);
      expect(parseAnswers(sent).map((answer) => answer.status)).toEqual([status, status]);
      expect([connection.calls, errors]).toEqual([[], []]);
    },
  );

  it('that is the last says so beside it', () => {
    const { connection, sent } = exchange((_req, res) =>
      res.setHeader('upgrade', 'a/1').setHeader('Connection', 'close').end(),
    );
    expect(connectionLines(sent)).toEqual(['Connection: close, Upgrade', 'upgrade: a/1']);
    expect(parseAnswers(sent)).toHaveLength(1);
    expect(connection.calls).toEqual(['close']);
  });

  it('to HTTP/1.0 goes on when that was asked for', () => {
    const wire = 'GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n';
    const { sent } = exchange((_req, res) => res.setHeader('Upgrade', 'a').end(), wire + wire);
    expect(connectionLines(sent)).toEqual(['Connection: keep-alive, Upgrade', 'Upgrade: a']);
    expect(parseAnswers(sent)).toHaveLength(2);
  });

  it('may have it in several lines, take it back, and stream', () => {
    const several = exchange((_req, res) => {
      res.setHeader('Upgrade', ['a', 'b/2']).write('x');
      res.end();
    });
    expect(connectionLines(several.sent)).toEqual(['Connection: Upgrade', 'Upgrade: a', 'Upgrade: b/2']);
    expect(parseAnswers(several.sent).map(({ body }) => body)).toEqual(['x', 'x']);
    const none = exchange((_req, res) => res.setHeader('Upgrade', 'a').removeHeader('upgrade').end());
    expect(connectionLines(none.sent)).toEqual([]);
  });

  it('goes on to be no switch: what follows is the next request', () => {
    const seen: string[] = [];
    const asking = 'GET /ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n';
    const { sent } = exchange((req, res) => {
      seen.push(req.target);
      res.status = req.upgrades.includes('websocket') ? 426 : 200;
      res.setHeader('Upgrade', 'other/1').end();
    }, asking + GET);
    expect(seen).toEqual(['/ws', '/']);
    expect(parseAnswers(sent).map(({ status }) => status)).toEqual([426, 200]);
  });

  it('is not among interim answers, nor among trailers', () => {
    const { errors } = exchange((req, res) => {
      if (req.target === '/hints') res.writeEarlyHints({ Upgrade: 'a' });
      res.setTrailer('Upgrade', 'a');
    }, GET.replace('/', '/hints') + GET);
    expect(errors).toMatchObject([
      { code: 'ERR_HTTP_HEADER_FORBIDDEN', message: 'Upgrade has no place in an interim answer' },
      { code: 'ERR_HTTP_HEADER_FORBIDDEN' },
    ]);
  });

  it('may be a Response of the web, and is refused when it is no list of protocols', async () => {
    const headers = { upgrade: 'websocket', connection: 'Upgrade' };
    const { sent } = await ask(() => new Response('no', { status: 426, headers }));
    expect(connectionLines(sent)).toEqual(['Connection: Upgrade', 'upgrade: websocket']);
    expect((await answerOf(() => new Response('yes', { headers }))).headers['connection']).toBe('Upgrade');
    const wrong = await ask(() => new Response('no', { headers: { upgrade: 'web socket' } }));
    await settled();
    expect(wrong.errors).toMatchObject([
      {
        code: 'ERR_HTTP_HEADER_INVALID',
        message: 'Upgrade is a list of protocols: name, or name/version',
      },
    ]);
    expect(parseAnswers(wrong.sent)).toMatchObject([{ status: 500 }]);
  });
});
