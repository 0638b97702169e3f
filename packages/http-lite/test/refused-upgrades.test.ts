/** When `req.upgrade()` refuses, how it says so, and that the connection goes on as if it had not been called. */
import { setImmediate as settled } from 'node:timers/promises';
import { type HttpHandler, type HttpRequestError, HttpUsageError } from '@sluice/http-lite';
import { type Protocol, UsageError } from '@sluice/reactor';
import { describe, expect, it } from 'vitest';
import { parseAnswers } from './answers.ts';
import type { FakeConnection } from './fake-connection.ts';
import { asking, SWITCHED, serve, shouting, thrown } from './switching.ts';

describe('an upgrade is refused, and nothing is sent,', () => {
  /** What `upgrade` throws for `head`; the handler answers 204 then. */
  const refusal = (head: string, options: object = {}, settings = {}) => {
    let seen: unknown;
    const { connection } = serve((req, res) => {
      seen = thrown(() => req.upgrade(shouting(), options));
      res.status = req.method === 'CONNECT' ? 403 : 204;
      res.end();
    }, settings);
    const sent = connection.receive(head).take();
    expect(sent).toMatch(/^HTTP\/1\.1 (204|403) /);
    return seen;
  };
  const upgradeError = (why: string) => ({
    class: HttpUsageError,
    code: 'ERR_HTTP_UPGRADE',
    message: `this request cannot change the protocol: ${why}`,
  });

  it.each([
    [
      'where none was asked for',
      'GET / HTTP/1.1\r\nHost: a\r\n\r\n',
      {},
      'its client asks for none; look at req.upgrades first',
    ],
    [
      'where another was asked for',
      asking('whisper'),
      { token: 'shout/1' },
      "its client does not offer 'shout/1'",
    ],
    [
      'where several are offered and none is named',
      asking('a, b'),
      {},
      'its client offers several; say which one by token',
    ],
    ['in HTTP/1.0', asking('shout/1', '', 'GET / HTTP/1.0'), {}, 'HTTP/1.0 knows no other protocol'],
    [
      'before its body',
      asking('shout/1', 'Content-Length: 2\r\n'),
      {},
      'its body comes first: read it to its end',
    ],
    [
      'before its body, though that is here',
      `${asking('shout/1', 'Content-Length: 2\r\n')}hi`,
      {},
      'its body comes first: read it to its end',
    ],
  ])('%s', (_when, head, options, why) => {
    expect(refusal(head, options)).toEqual(upgradeError(why));
  });

  it('for fields and options that cannot be', () => {
    expect(refusal(asking(), { fields: { 'Content-Length': '0' } })).toMatchObject({
      class: HttpUsageError,
      code: 'ERR_HTTP_HEADER_FORBIDDEN',
      message: 'Content-Length has no place in an interim answer',
    });
    expect(refusal(asking(), { fields: { 'x-a': 'b\r\nSet-Cookie: evil' } })).toMatchObject({
      code: 'ERR_HTTP_HEADER_INVALID',
    });
    expect(refusal(asking(), { tokens: 'shout/1' })).toMatchObject({
      class: UsageError,
      code: 'ERR_UNKNOWN_OPTION',
    });
  });

  it('for what is no protocol', () => {
    let seen: unknown;
    const { connection } = serve((req, res) => {
      seen = thrown(() => req.upgrade({} as Protocol));
      res.end();
    });
    connection.receive(asking());
    expect(seen).toEqual({
      class: UsageError,
      code: 'ERR_OPTION_VALUE',
      message: 'upgrade needs a protocol: an object with the hook onOpen.',
    });
    expect(connection.calls).toEqual([]);
  });

  it('after the head, and after the answer', () => {
    const seen: unknown[] = [];
    const { connection } = serve((req, res) => {
      res.write('begun');
      seen.push(thrown(() => req.upgrade(shouting())));
      res.end();
      seen.push(thrown(() => req.upgrade(shouting())));
    });
    expect(connection.receive(asking()).take()).not.toContain(' 101 ');
    expect(seen).toEqual([
      {
        class: HttpUsageError,
        code: 'ERR_HTTP_HEAD_SENT',
        message: 'the head has been sent; upgrade() is an answer of its own',
      },
      {
        class: HttpUsageError,
        code: 'ERR_HTTP_ENDED',
        message: 'the answer has ended; nothing can be added to it',
      },
    ]);
  });

  it('after the answer, also when the next request is with its handler', () => {
    const requests: Parameters<HttpHandler>[0][] = [];
    const { connection } = serve((req, res) => {
      requests.push(req);
      if (requests.length === 1) res.end();
    });
    connection.receive(asking() + asking());
    expect(thrown(() => requests[0]?.upgrade(shouting()))).toMatchObject({ code: 'ERR_HTTP_ENDED' });
    expect(requests[1]?.upgrade(shouting())).toBe(true);
  });

  it('by 500 when its handler does not look', () => {
    const { connection, errors } = serve((req) => void req.upgrade(shouting()));
    connection.receive('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
    expect(parseAnswers(connection.take())).toMatchObject([{ status: 500 }]);
    expect(errors).toEqual([expect.objectContaining({ code: 'ERR_HTTP_UPGRADE' })]);
  });

  it('P48 by 425 when it came early, for what follows may be a replay as well', () => {
    const other = shouting();
    const { connection, errors, protocol } = serve((req) => void req.upgrade(other));
    connection.lifecycle = 'early';
    connection.receive(asking());
    expect(parseAnswers(connection.take())).toMatchObject([{ status: 425 }]);
    expect([errors, other.log, protocol.stats().refused]).toEqual([[], [], { ERR_HTTP_TOO_EARLY: 1 }]);
    connection.lifecycle = 'open';
    expect(connection.receive(asking()).take()).toBe(SWITCHED);
  });

  it('without a word when the request was refused in the middle of its body', async () => {
    const seen: unknown[] = [];
    const handler: HttpHandler = async (req) => {
      await req.body.bytes().catch((error: HttpRequestError) => seen.push(error.code));
      seen.push(req.upgrade(shouting()));
    };
    const { connection } = serve(handler);
    connection.receive(`${asking('shout/1', 'Transfer-Encoding: chunked\r\n', 'POST / HTTP/1.1')}nonsense`);
    await settled();
    expect(seen).toEqual(['ERR_HTTP_CHUNK', false]);
    expect(parseAnswers(connection.take())).toMatchObject([{ status: 400 }]);
  });

  it.each([
    ['nobody reads, though all of it is here', 'body', async () => {}],
    [
      'whose reader has left before its end',
      'bo',
      async (req: Parameters<HttpHandler>[0]) => {
        for await (const _ of req.body) break;
      },
    ],
  ])('for a body that %s', async (_which, body, read) => {
    let seen: unknown;
    const { connection } = serve(async (req) => {
      await read(req);
      await settled();
      seen = thrown(() => req.upgrade(shouting()));
    });
    connection.receive(`${asking('shout/1', 'Content-Length: 4\r\n', 'POST / HTTP/1.1')}${body}`);
    await settled();
    await settled();
    expect(seen).toMatchObject({ class: HttpUsageError, code: 'ERR_HTTP_UPGRADE' });
    expect(connection.take()).toBe('');
  });

  it('without a word when the connection has closed, or closes', () => {
    const shakeHands = (connection: FakeConnection<unknown>) => {
      connection.lifecycle = 'handshaking';
    };
    for (const close of ['reset', 'close', 'end', 'shakeHands'] as const) {
      const other = shouting();
      let upgrade: () => boolean = () => true;
      const { connection } = serve((req) => {
        upgrade = () => req.upgrade(other);
      });
      connection.receive(asking());
      if (close === 'shakeHands') shakeHands(connection);
      else connection[close]();
      expect([close, upgrade(), other.log, connection.take()]).toEqual([close, false, [], '']);
    }
  });
});
