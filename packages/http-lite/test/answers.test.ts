import { type HttpHandler, HttpPeerError, HttpUsageError, http } from '@sluice/http-lite';
import { describe, expect, it } from 'vitest';
import { parseAnswers } from './answers.ts';
import { FakeConnection } from './fake-connection.ts';
import { settled } from './replay.ts';

const get = (lines = '', version = '1.1', method = 'GET') =>
  `${method} / HTTP/${version}\r\n${version === '1.1' ? 'Host: a\r\n' : ''}${lines}\r\n`;

function serve(handler: HttpHandler, wire = get()) {
  const errors: unknown[] = [];
  const connection = new FakeConnection(http(handler, { onError: (error) => errors.push(error) }));
  connection.receive(wire);
  const method = wire.slice(0, wire.indexOf(' '));
  return {
    connection,
    errors,
    raw: () => connection.take(),
    answers: () => parseAnswers(connection.take(), [method]),
  };
}

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

describe('header fields', () => {
  it('replace those of their name, whatever the case; arrays make several lines', () => {
    const { raw } = serve((_req, res) => {
      res.setHeader('X-A', '1').setHeader('x-a', 2).setHeader('Set-Cookie', ['a=1', 'b=2']);
      expect(res.getHeader('X-a')).toBe('2');
      expect(res.getHeader('set-cookie')).toBe('a=1, b=2');
      expect(res.getHeader('other')).toBeUndefined();
      res.setHeader('Gone', 'x').removeHeader('gone').end();
    });
    const text = raw();
    expect(text).toContain('\r\nx-a: 2\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\n');
    expect(text).not.toMatch(/X-A|Gone/);
  });

  it('are sent as they were set, answer after answer', () => {
    let count = 0;
    const { raw } = serve((_req, res) => res.setHeader('Etag', `"${count++ % 2}"`).end(), get().repeat(6));
    expect([...raw().matchAll(/Etag: "(\d)"/g)].map(([, value]) => value).join('')).toBe('010101');
  });

  const invalid: [string, unknown][] = [
    ['', 'x'],
    ['a b', 'x'],
    ['a:', 'x'],
    ['a\r\nb', 'x'],
    ['é', 'x'],
    ['a', 'x\r\nSet-Cookie: b'],
    ['a', 'x\ny'],
    ['a', 'x\ry'],
    ['a', 'x\0'],
    ['a', '\x7f'],
    ['a', 'snow ☃'],
    ['a', ' x'],
    ['a', 'x '],
    ['a', undefined],
    ['Content-Length', '-1'],
    ['Content-Length', '1e3'],
    ['Content-Length', '5, 5'],
    ['Trailer', 'no list of names'],
    ['Trailer', ''],
    ['Upgrade', ''],
    ['Upgrade', ' , '],
    ['Upgrade', 'web socket'],
    ['Upgrade', 'a/b/c'],
    ['Upgrade', 'a\r\nX: b'],
    ['Upgrade', ['a', 'b;c']],
    ['a', ['fine', 'x\ny']],
  ];
  for (const [name, value] of invalid) {
    it(`are refused: ${JSON.stringify([name, value])}`, () => {
      const { answers, errors } = serve((_req, res) => res.setHeader(name, value as string).end());
      expect(answers()).toMatchObject([{ status: 500 }]);
      expect(errors).toEqual([expect.objectContaining({ code: 'ERR_HTTP_HEADER_INVALID' })]);
      expect(errors[0]).toBeInstanceOf(HttpUsageError);
    });
  }

  it('that frame the message belong to us', () => {
    for (const [name, value] of [
      ['Transfer-Encoding', 'chunked'],
      ['Connection', 'upgrade'],
    ] as const) {
      const { errors } = serve((_req, res) => res.setHeader(name, value).end());
      expect(errors).toEqual([expect.objectContaining({ code: 'ERR_HTTP_HEADER_FORBIDDEN' })]);
    }
  });

  it('Date may be ours or the handler’s, never both', () => {
    const { raw } = serve((_req, res) => res.setHeader('Date', 'Thu, 01 Jan 1970 00:00:00 GMT').end());
    expect(raw().match(/Date: .*/g)).toEqual(['Date: Thu, 01 Jan 1970 00:00:00 GMT']);
  });
});

describe('misuse', () => {
  it('of status is an error when the head is sent', () => {
    for (const status of [199, 600, 200.5, Number.NaN]) {
      const { answers, errors } = serve((_req, res) => {
        res.status = status;
        res.end();
      });
      expect(errors).toEqual([expect.objectContaining({ code: 'ERR_HTTP_STATUS' })]);
      expect(answers()).toMatchObject([{ status: 500 }]);
    }
  });

  it('of setHeader and removeHeader after the head is an error', () => {
    serve((_req, res) => {
      res.write('a');
      expect(res.headersSent).toBe(true);
      expect(() => res.setHeader('a', 'b')).toThrow(expect.objectContaining({ code: 'ERR_HTTP_HEAD_SENT' }));
      expect(() => res.removeHeader('a')).toThrow(expect.objectContaining({ code: 'ERR_HTTP_HEAD_SENT' }));
      res.end();
      expect(res.ended).toBe(true);
    });
  });

  it('of write and end after end is an error', () => {
    serve((_req, res) => {
      res.end();
      expect(() => res.write('a')).toThrow(expect.objectContaining({ code: 'ERR_HTTP_ENDED' }));
      expect(() => res.end()).toThrow(expect.objectContaining({ code: 'ERR_HTTP_ENDED' }));
    });
  });
});

describe('keep-alive', () => {
  const connectionField = (handler: HttpHandler, wire: string) => {
    const { connection, answers } = serve(handler, wire);
    return [answers()[0]?.headers['connection'], connection.calls.join()];
  };
  const end: HttpHandler = (_req, res) => res.end('x');

  it('is the rule in HTTP/1.1 and not mentioned', () => {
    expect(connectionField(end, get())).toEqual([undefined, '']);
    expect(connectionField(end, get('Connection: keep-alive\r\n'))).toEqual([undefined, '']);
  });

  it('ends when either side says close', () => {
    expect(connectionField(end, get('Connection: close\r\n'))).toEqual(['close', 'close']);
    expect(connectionField((_req, res) => res.setHeader('Connection', 'close').end(), get())).toEqual([
      'close',
      'close',
    ]);
  });

  it('is asked for and confirmed in HTTP/1.0', () => {
    expect(connectionField(end, get('', '1.0'))).toEqual(['close', 'close']);
    expect(connectionField(end, get('Connection: keep-alive\r\n', '1.0'))).toEqual(['keep-alive', '']);
  });

  it('never follows close, whatever else is said', () => {
    expect(connectionField(end, get('Connection: close, keep-alive\r\n', '1.0'))).toEqual(['close', 'close']);
    expect(
      connectionField(
        (_req, res) => res.setHeader('Connection', 'keep-alive').end(),
        get('Connection: close\r\n'),
      ),
    ).toEqual(['close', 'close']);
  });
});

describe('backpressure', () => {
  it('write answers false above the high-water mark, drained() resolves when the queue has emptied', async () => {
    const seen: unknown[] = [];
    const protocol = http(async (_req, res) => {
      seen.push(res.write('x'.repeat(50)));
      await res.drained();
      seen.push('at once');
      seen.push(res.write('x'.repeat(5000)));
      await res.drained();
      seen.push('drained');
      res.end();
    });
    const connection = new FakeConnection(protocol, { highWaterMarkBytes: 1000 }).receive(get());
    await settled();
    expect(seen).toEqual([true, 'at once', false]);
    connection.drain();
    await settled();
    expect(seen).toEqual([true, 'at once', false, 'drained']);
  });

  it('a loop of write and drained() ends when the connection closes', async () => {
    const errors: unknown[] = [];
    let failure: unknown;
    const protocol = http(
      async (_req, res) => {
        try {
          for (;;) if (!res.write('x'.repeat(600))) await res.drained();
        } catch (error) {
          failure = error;
          expect(res.write('more')).toBe(false);
          expect(res.ended).toBe(true);
          expect(() => res.end()).not.toThrow();
          expect(() => res.setHeader('a', 'b')).not.toThrow();
          await expect(res.drained()).rejects.toBeInstanceOf(HttpPeerError);
          throw error;
        }
      },
      { onError: (error) => errors.push(error) },
    );
    const cause = new Error('ECONNRESET');
    const connection = new FakeConnection(protocol, { highWaterMarkBytes: 1000 }).receive(get());
    await settled();
    connection.reset(cause);
    await settled();
    expect(failure).toBeInstanceOf(HttpPeerError);
    expect(failure).toMatchObject({ code: 'ERR_HTTP_PEER_GONE', cause });
    expect(errors).toEqual([]);
  });

  it('drained() rejects when our side has ended although the connection is open', async () => {
    let failure: unknown;
    const protocol = http(async (req, res) => {
      req.connection.end();
      expect(res.write('x')).toBe(false);
      await res.drained().catch((error) => {
        failure = error;
      });
    });
    new FakeConnection(protocol).receive(get());
    await settled();
    expect(failure).toMatchObject({ code: 'ERR_HTTP_PEER_GONE' });
  });
});
