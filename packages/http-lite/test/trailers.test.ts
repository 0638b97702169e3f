import { type HttpHandler, HttpUsageError, http } from '@sluice/http-lite';
import { describe, expect, it } from 'vitest';
import { parseAnswers } from './answers.ts';
import { FakeConnection } from './fake-connection.ts';
import { settled } from './replay.ts';

const CHUNKED = 'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n';
const GET = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';

describe('the trailer fields of a request', () => {
  const read = async (wire: string, cut = wire.length) => {
    const seen: unknown[] = [];
    const protocol = http(async (req, res) => {
      seen.push([...req.trailers]);
      await req.body.bytes();
      seen.push([...req.trailers], req.headers.get('x-sum'), req.trailers.get('X-SUM'));
      res.end();
    });
    const connection = new FakeConnection(protocol).receive(wire.slice(0, cut));
    await settled();
    connection.receive(wire.slice(cut));
    await settled();
    return seen;
  };

  it('are there when the body was read to its end, and are no header fields', async () => {
    const wire = `${CHUNKED}2\r\nhi\r\n0\r\nX-Sum: 1\r\nx-sum:  2 \r\nOther: \r\n\r\n`;
    const fields = [
      ['X-Sum', '1'],
      ['x-sum', '2'],
      ['Other', ''],
    ];
    for (let cut = CHUNKED.length; cut < wire.length; cut++) {
      expect(await read(wire, cut), `cut at ${cut}`).toEqual([[], fields, undefined, '1, 2']);
    }
  });

  it('are none behind a body without them, and where there can be none', async () => {
    expect(await read(`${CHUNKED}2\r\nhi\r\n0\r\n\r\n`)).toEqual([[], [], undefined, undefined]);
    const post = 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi';
    expect(await read(post)).toEqual([[], [], undefined, undefined]);
    expect(await read(GET)).toEqual([[], [], undefined, undefined]);
  });
});

describe('the trailer fields of an answer', () => {
  function serve(handler: HttpHandler, wire = GET) {
    const errors: unknown[] = [];
    const connection = new FakeConnection(http(handler, { onError: (error) => errors.push(error) }));
    connection.receive(wire);
    return { errors, connection, sent: connection.take() };
  }

  it('stand behind the last chunk, announced by the Trailer field', () => {
    const { sent } = serve((_req, res) => {
      res.setHeader('Trailer', 'X-Sum, X-Time');
      res.write('abc');
      res.setTrailer('X-Sum', '1').setTrailer('X-Time', '2').setTrailer('x-sum', '3');
      res.end('d');
    });
    expect(sent).toContain('\r\nTrailer: X-Sum, X-Time\r\nTransfer-Encoding: chunked\r\n\r\n');
    expect(sent).toMatch(/\r\n\r\n3\r\nabc\r\n1\r\nd\r\n0\r\nX-Time: 2\r\nx-sum: 3\r\n\r\n$/);
  });

  it('make an answer chunked that end() alone sends, and so does announcing them', () => {
    const set = serve((_req, res) => res.setTrailer('X-Sum', '1').end('abc'));
    expect(set.sent).toMatch(/\r\n\r\n3\r\nabc\r\n0\r\nX-Sum: 1\r\n\r\n$/);
    expect(set.sent).not.toContain('Content-Length');
    const announced = serve((_req, res) => res.setHeader('Trailer', 'X-Sum').end());
    expect(announced.sent).toMatch(/Trailer: X-Sum\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n$/);
    for (const { connection } of [set, announced]) {
      connection.receive(GET);
      expect(parseAnswers(connection.take()).length).toBe(1);
    }
  });

  const dropped: [string, string, HttpHandler][] = [
    ['to HTTP/1.0', 'GET / HTTP/1.0\r\n\r\n', (_req, res) => res.setTrailer('X-Sum', '1').end('abc')],
    ['to HEAD', GET.replace('GET', 'HEAD'), (_req, res) => res.setTrailer('X-Sum', '1').end('abc')],
    [
      'with a declared length',
      GET,
      (_req, res) => res.setHeader('Content-Length', 3).setTrailer('X-Sum', '1').end('abc'),
    ],
    [
      'with 204',
      GET,
      (_req, res) => {
        res.status = 204;
        res.setTrailer('X-Sum', '1').end();
      },
    ],
  ];
  for (const [where, wire, handler] of dropped) {
    it(`are dropped ${where}, with what announces them`, () => {
      const { sent, errors } = serve((req, res) => handler(req, res.setHeader('Trailer', 'X-Sum')), wire);
      expect(sent).toMatch(/^HTTP\/1\.1 20/);
      expect(sent).not.toMatch(/X-Sum|Trailer|chunked/);
      expect(errors).toEqual([]);
    });
  }

  it('are not sent with the error that takes the place of an answer', () => {
    const { sent } = serve((_req, res) => {
      res.setTrailer('X-Sum', '1');
      throw new Error('boom');
    });
    expect(parseAnswers(sent)).toMatchObject([{ status: 500, body: '500 Internal Server Error\n' }]);
    expect(sent).not.toContain('X-Sum');
  });

  it('are refused where they could do harm, or could not be sent', () => {
    const wrong: [code: string, name: string, value: string][] = [
      ['ERR_HTTP_HEADER_FORBIDDEN', 'Content-Length', '3'],
      ['ERR_HTTP_HEADER_FORBIDDEN', 'Transfer-Encoding', 'chunked'],
      ['ERR_HTTP_HEADER_FORBIDDEN', 'Connection', 'close'],
      ['ERR_HTTP_HEADER_FORBIDDEN', 'Trailer', 'X'],
      ['ERR_HTTP_HEADER_FORBIDDEN', 'Date', 'x'],
      ['ERR_HTTP_HEADER_FORBIDDEN', 'Set-Cookie', 'a=b'],
      ['ERR_HTTP_HEADER_FORBIDDEN', 'host', 'a'],
      ['ERR_HTTP_HEADER_FORBIDDEN', 'WWW-Authenticate', 'Basic'],
      ['ERR_HTTP_HEADER_FORBIDDEN', 'content-encoding', 'gzip'],
      ['ERR_HTTP_HEADER_INVALID', 'a b', 'x'],
      ['ERR_HTTP_HEADER_INVALID', 'a', 'x\r\nSet-Cookie: b'],
    ];
    for (const [code, name, value] of wrong) {
      const { errors } = serve((_req, res) => res.setTrailer(name, value).end());
      expect(errors, name).toEqual([expect.objectContaining({ code })]);
      expect(errors[0]).toBeInstanceOf(HttpUsageError);
    }
  });

  it('come too late after end', () => {
    serve((_req, res) => {
      res.end();
      expect(() => res.setTrailer('a', 'b')).toThrow(
        expect.objectContaining({
          code: 'ERR_HTTP_ENDED',
          message: 'the answer has ended; nothing can be added to it',
        }),
      );
    });
    expect.assertions(1);
  });
});
