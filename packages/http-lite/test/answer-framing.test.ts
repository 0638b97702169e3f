/** How an answer says where its body ends: by a length, by chunks, by the close, or by having none. */
import type { HttpHandler } from '@sluice/http-lite';
import { describe, expect, it } from 'vitest';
import { get, serve } from './answer-serving.ts';

describe('end() as the only write', () => {
  it('sends head and body in one write, with Content-Length', () => {
    const { connection, answers } = serve((_req, res) =>
      res.setHeader('Content-Type', 'text/plain').end('Hello'),
    );
    expect(connection.writes).toBe(1);
    const [answer] = answers();
    expect(answer).toMatchObject({ status: 200, body: 'Hello' });
    expect(answer?.headers).toEqual({
      'content-type': 'text/plain',
      'content-length': '5',
      date: expect.any(String),
    });
    expect(connection.calls).toEqual([]);
  });

  it('counts the bytes of text, not its characters', () => {
    const { answers } = serve((_req, res) => res.end('naïve ☃'));
    const [answer] = answers();
    expect(answer?.headers['content-length']).toBe('10');
    expect(Buffer.from(answer?.body ?? '', 'latin1').toString('utf8')).toBe('naïve ☃');
  });

  it('sends bytes, long text, and nothing', () => {
    expect(serve((_req, res) => res.end(Buffer.from([0, 255]))).answers()).toMatchObject([
      { body: '\x00\xff' },
    ]);
    expect(serve((_req, res) => res.end('x'.repeat(20_000))).answers()).toMatchObject([
      { body: 'x'.repeat(20_000) },
    ]);
    expect(serve((_req, res) => res.end()).answers()).toMatchObject([
      { headers: { 'content-length': '0' }, body: '' },
    ]);
    expect(serve((_req, res) => res.end(new Uint8Array(0))).connection.writes).toBe(1);
  });
});

describe('an answer in pieces', () => {
  const pieces: HttpHandler = (_req, res) => {
    res.write('one');
    res.write('');
    res.write(Buffer.from(' two'));
    res.write(' é');
    res.end(' end');
  };
  const body = Buffer.from('one two é end').toString('latin1');

  it('is chunked in HTTP/1.1', () => {
    const { connection, answers } = serve(pieces);
    expect(answers()).toMatchObject([{ status: 200, headers: { 'transfer-encoding': 'chunked' }, body }]);
    expect(connection.calls).toEqual([]);
  });

  it('is ended by the close in HTTP/1.0, also with keep-alive', () => {
    const { connection, answers } = serve(pieces, get('Connection: keep-alive\r\n', '1.0'));
    const [answer] = answers();
    expect(answer).toMatchObject({ status: 200, headers: { connection: 'close' }, body });
    expect(answer?.headers).not.toHaveProperty('transfer-encoding');
    expect(connection.calls).toEqual(['close']);
  });

  it('has the declared length when there is one', () => {
    const { answers } = serve((_req, res) => {
      res.setHeader('content-length', 6).write('abc');
      res.end('def');
    });
    const [answer] = answers();
    expect(answer).toMatchObject({ headers: { 'content-length': '6' }, body: 'abcdef' });
    expect(answer?.headers).not.toHaveProperty('transfer-encoding');
  });

  it('may end without a last piece', () => {
    const { raw } = serve((_req, res) => {
      res.write('a');
      res.end();
    });
    expect(raw()).toMatch(/\r\n\r\n1\r\na\r\n0\r\n\r\n$/);
  });
});

describe('an answer that has no body', () => {
  it('to HEAD has the length that GET would have', () => {
    const { answers } = serve((_req, res) => res.end('Hello'), get('', '1.1', 'HEAD'));
    expect(answers()).toMatchObject([{ headers: { 'content-length': '5' }, body: '' }]);
  });

  it('to HEAD may declare a length, or none, and be written in pieces', () => {
    const declared = serve((_req, res) => res.setHeader('Content-Length', 9).end(), get('', '1.1', 'HEAD'));
    expect(declared.answers()).toMatchObject([{ headers: { 'content-length': '9' } }]);
    const none = serve((_req, res) => res.end(), get('', '1.1', 'HEAD'));
    expect(none.answers()[0]?.headers).not.toHaveProperty('content-length');
    const pieces = serve(
      (_req, res) => {
        res.write('abc');
        res.end('def');
      },
      get('', '1.1', 'HEAD'),
    );
    expect(pieces.answers()).toMatchObject([{ status: 200 }]);
    expect(pieces.connection.calls).toEqual([]);
  });

  for (const status of [204, 304]) {
    it(`with ${status} has none of what was written, and no length of its own`, () => {
      for (const handler of [end, write]) {
        const { connection, answers } = serve(handler);
        const [answer] = answers();
        expect(answer).toMatchObject({ status, body: '' });
        expect(answer?.headers).not.toHaveProperty('content-length');
        expect(answer?.headers).not.toHaveProperty('transfer-encoding');
        expect(connection.calls).toEqual([]);
      }
      function end(_req: unknown, res: Parameters<HttpHandler>[1]) {
        res.status = status;
        res.end('x');
      }
      function write(_req: unknown, res: Parameters<HttpHandler>[1]) {
        res.status = status;
        res.write('x');
        res.end('y');
      }
    });
  }

  it('with 304 keeps a declared length, with 204 never, with 205 it is 0', () => {
    const length = (status: number) => {
      const { answers } = serve((_req, res) => {
        res.status = status;
        res.setHeader('Content-Length', 7).end();
      });
      return answers()[0]?.headers['content-length'];
    };
    expect([304, 204, 205].map(length)).toEqual(['7', undefined, '0']);
  });
});

describe('a declared Content-Length', () => {
  const mismatch = expect.objectContaining({ code: 'ERR_HTTP_LENGTH_MISMATCH' });

  it('that end() does not meet is an error before anything is sent, and a 500', () => {
    const { errors, answers, connection } = serve((_req, res) =>
      res.setHeader('Content-Length', 3).end('four'),
    );
    expect(answers()).toMatchObject([{ status: 500 }]);
    expect(errors).toEqual([mismatch]);
    expect(connection.calls).toEqual([]);
  });

  it('that is exceeded destroys the connection', () => {
    const { errors, connection } = serve((_req, res) => {
      res.setHeader('Content-Length', 3).write('ab');
      res.write('cd');
    });
    expect(errors).toEqual([mismatch]);
    expect(connection.calls).toEqual(['destroy', 'closed error']);
    expect(connection.destroyedWith).toBe(errors[0]);
  });

  it('that is not reached destroys the connection', () => {
    const { errors, connection } = serve((_req, res) => {
      res.setHeader('Content-Length', 3).write('ab');
      res.end();
    });
    expect(errors).toEqual([mismatch]);
    expect(connection.calls).toEqual(['destroy', 'closed error']);
  });

  it('that the first write exceeds is an error before anything is sent', () => {
    const { answers } = serve((_req, res) => {
      res.setHeader('Content-Length', 3);
      expect(() => res.write('four')).toThrow(mismatch);
      expect(res.headersSent).toBe(false);
      res.end('abc');
    });
    expect(answers()).toMatchObject([{ status: 200, body: 'abc' }]);
  });
});
