/** What goes around the body of an answer, and when it may go: its fields, misuse of them, keep-alive, backpressure. */
import { type HttpHandler, HttpPeerError, HttpUsageError, http } from '@sluice/http-lite';
import { describe, expect, it } from 'vitest';
import { get, serve } from './answer-serving.ts';
import { FakeConnection } from './fake-connection.ts';
import { settled } from './replay.ts';

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
