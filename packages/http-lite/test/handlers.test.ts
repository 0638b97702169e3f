import { type HttpHandler, HttpRequestError, http } from '@sluice/http-lite';
import { describe, expect, it, vi } from 'vitest';
import { parseAnswers } from './answers.ts';
import { FakeConnection } from './fake-connection.ts';
import { settled } from './replay.ts';

const GET = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';
const boom = new Error('boom');

async function serve(handler: HttpHandler, wire = GET) {
  const errors: unknown[] = [];
  const connection = new FakeConnection(http(handler, { onError: (error) => errors.push(error) }));
  connection.receive(wire);
  await settled();
  return { connection, errors, sent: connection.take() };
}

describe('a handler that fails', () => {
  const ways: Record<string, (act: HttpHandler) => HttpHandler> = {
    'by throwing': (act) => (req, res) => {
      void act(req, res);
      throw boom;
    },
    'by rejecting at once': (act) => async (req, res) => {
      void act(req, res);
      throw boom;
    },
    'by rejecting later': (act) => async (req, res) => {
      await settled();
      void act(req, res);
      throw boom;
    },
  };
  for (const [way, failing] of Object.entries(ways)) {
    it(`${way} before the head gives a 500 that tells nothing, and the connection goes on`, async () => {
      const handler = failing((_req, res) => void res.setHeader('X-Secret', '1'));
      const { connection, errors } = await serve(handler, GET + GET);
      await settled();
      await settled();
      const answers = parseAnswers(connection.take());
      expect(errors).toEqual([boom, boom].slice(0, errors.length));
      expect(connection.calls).toEqual([]);
      for (const { status, headers, body } of answers) {
        expect([status, headers['x-secret'], body]).toEqual([500, undefined, '500 Internal Server Error\n']);
      }
    });

    it(`${way} after the head destroys the connection with the error`, async () => {
      const { connection, errors } = await serve(failing((_req, res) => void res.write('half')));
      await settled();
      expect(errors).toEqual([boom]);
      expect(connection.calls).toEqual(['destroy', 'closed error']);
      expect(connection.destroyedWith).toBe(boom);
    });

    it(`${way} after the end changes nothing but is reported`, async () => {
      const { connection, errors, sent } = await serve(failing((_req, res) => res.end('whole')));
      await settled();
      expect(parseAnswers(sent + connection.take())).toMatchObject([{ status: 200, body: 'whole' }]);
      expect(errors).toEqual([boom]);
      expect(connection.calls).toEqual([]);
    });
  }

  it('with an error that says so is answered with its status, and not reported', async () => {
    const { errors, sent } = await serve(() => {
      throw new HttpRequestError('ERR_HTTP_BODY_TOO_LARGE', 'the picture is too large');
    });
    expect(parseAnswers(sent)).toMatchObject([
      { status: 413, body: '413 Content Too Large: the picture is too large\n' },
    ]);
    expect(errors).toEqual([]);
  });

  it('is reported on standard error, once, when nobody else listens', async () => {
    const report = vi.spyOn(console, 'error').mockImplementation(() => {});
    new FakeConnection(http(() => Promise.reject(boom))).receive(GET);
    await settled();
    expect(report.mock.calls).toEqual([['sluice: the handler of GET / failed:', boom]]);
    report.mockRestore();
  });

  it('with something that is no error destroys the connection with one', async () => {
    const { connection } = await serve((_req, res) => {
      res.write('half');
      return Promise.reject('text');
    });
    expect(connection.destroyedWith).toMatchObject({ message: 'text' });
  });
});

describe('a request', () => {
  it('is valid after its answer, and after other requests', async () => {
    const kept: Parameters<HttpHandler>[0][] = [];
    const wire = (n: number) => `GET /${n} HTTP/1.1\r\nHost: h${n}\r\n\r\n`;
    const handler: HttpHandler = (req, res) => {
      kept.push(req);
      res.end();
    };
    const all = Array.from({ length: 3000 }, (_, n) => wire(n)).join('');
    await serve(handler, all);
    for (const [n, req] of kept.entries()) {
      expect([req.target, req.headers.get('host')]).toEqual([`/${n}`, `h${n}`]);
    }
  });

  it('without a body has an empty one', async () => {
    let seen: unknown;
    await serve(async (req, res) => {
      seen = [req.hasBody, await req.body.text(), req.httpVersion, req.connection.id];
      res.end();
    });
    expect(seen).toEqual([false, '', '1.1', 1]);
  });
});

describe('header fields of a request', () => {
  it('are found without regard to case, joined, counted and listed', async () => {
    const lines =
      'X-A: 1\r\nx-a:  2 \r\nCookie: a=1\r\ncookie: b=2\r\nX-AB: 3\r\nEmpty:\r\nInner: x-a: no\r\n';
    expect.assertions(10);
    await serve((req, res) => {
      const { headers } = req;
      expect(headers.get('x-A')).toBe('1, 2');
      expect(headers.getAll('X-a')).toEqual(['1', '2']);
      expect(headers.get('COOKIE')).toBe('a=1; b=2');
      expect(headers.get('empty')).toBe('');
      expect(headers.has('empty')).toBe(true);
      expect(headers.get('x')).toBeUndefined();
      expect([headers.has('absent'), headers.getAll('absent')]).toEqual([false, []]);
      expect(headers.get('inner: x-a')).toBeUndefined();
      expect(headers.get('')).toBeUndefined();
      expect([...headers].map(([name]) => name)).toEqual([
        'X-A',
        'x-a',
        'Cookie',
        'cookie',
        'X-AB',
        'Empty',
        'Inner',
        'Host',
      ]);
      res.end();
    }, `GET /?x-a:4 HTTP/1.1\r\n${lines}Host: a\r\n\r\n`);
  });
});
