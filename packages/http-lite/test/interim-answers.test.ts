import { type HttpHandler, HttpUsageError, http } from '@sluice/http-lite';
import { describe, expect, it } from 'vitest';
import { parseAnswers } from './answers.ts';
import { FakeConnection } from './fake-connection.ts';
import { settled } from './replay.ts';

const GET = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';
const EXPECT = 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n';
const CONTINUE = 'HTTP/1.1 100 Continue\r\n\r\n';

function serve(handler: HttpHandler, wire = GET) {
  const errors: unknown[] = [];
  const connection = new FakeConnection(http(handler, { onError: (error) => errors.push(error) }));
  connection.receive(wire);
  return { errors, connection, sent: connection.take() };
}

describe('103 Early Hints', () => {
  it('leaves at once, with fields of its own; the answer follows', () => {
    const link = ['</a.css>; rel=preload; as=style', '</b.js>; rel=preload; as=script'];
    const { sent } = serve((_req, res) => {
      expect(res.writeEarlyHints({ Link: link })).toBe(true);
      expect(res.headersSent).toBe(false);
      res.end('hello');
    });
    expect(sent).toMatch(
      /^HTTP\/1\.1 103 Early Hints\r\nLink: <\/a\.css>.*\r\nLink: <\/b\.js>.*\r\n\r\nHTTP\/1\.1 200 OK\r\n/,
    );
    const answers = parseAnswers(sent);
    expect(answers.map(({ status }) => status)).toEqual([103, 200]);
    expect(answers[1]?.headers).not.toHaveProperty('link');
  });

  it('is never sent to HTTP/1.0', () => {
    const { sent } = serve((_req, res) => {
      expect(res.writeEarlyHints({ Link: '</a>; rel=preload' })).toBe(false);
      expect(res.writeInformation(102)).toBe(false);
      res.end();
    }, 'GET / HTTP/1.0\r\n\r\n');
    expect(sent).toMatch(/^HTTP\/1\.1 200 /);
    expect(sent).not.toMatch(/ 10\d /);
  });

  it('may be sent again and again, and to HEAD', () => {
    const { sent } = serve(
      (_req, res) => {
        res.writeEarlyHints({ A: '1' });
        res.writeEarlyHints({ B: '2' });
        res.end('x');
      },
      GET.replace('GET', 'HEAD'),
    );
    expect(parseAnswers(sent, ['HEAD']).map(({ status }) => status)).toEqual([103, 103, 200]);
  });
});

describe('an interim answer', () => {
  it('may have no fields, and a status that has no name', () => {
    const { sent } = serve((_req, res) => {
      res.writeInformation(102);
      res.writeInformation(199, { X: 'y' });
      res.end();
    });
    expect(sent).toMatch(/^HTTP\/1\.1 102 Processing\r\n\r\nHTTP\/1\.1 199 \r\nX: y\r\n\r\nHTTP\/1\.1 200 /);
  });

  it('of another status than 102 to 199 is an error', () => {
    for (const status of [99, 100, 101, 200, 102.5, Number.NaN]) {
      const { errors, sent } = serve((_req, res) => void res.writeInformation(status));
      expect(errors, String(status)).toEqual([
        expect.objectContaining({
          code: 'ERR_HTTP_STATUS',
          message: `an interim answer has a status from 102 to 199; 100 is sent by writeContinue(), not ${status}`,
        }),
      ]);
      expect(errors[0]).toBeInstanceOf(HttpUsageError);
      expect(parseAnswers(sent)).toMatchObject([{ status: 500 }]);
    }
  });

  it('with fields about the body or the connection, or that cannot be sent, is an error, and nothing leaves', () => {
    const wrong: [string, string, string | readonly string[]][] = [
      ['ERR_HTTP_HEADER_FORBIDDEN', 'Content-Length', '1'],
      ['ERR_HTTP_HEADER_FORBIDDEN', 'Connection', 'close'],
      ['ERR_HTTP_HEADER_FORBIDDEN', 'Transfer-Encoding', 'chunked'],
      ['ERR_HTTP_HEADER_FORBIDDEN', 'Trailer', 'x'],
      ['ERR_HTTP_HEADER_INVALID', 'Link', 'a\r\nb'],
      ['ERR_HTTP_HEADER_INVALID', 'Link', ['fine', 'a\nb']],
      ['ERR_HTTP_HEADER_INVALID', 'a b', 'x'],
    ];
    for (const [code, name, value] of wrong) {
      const { errors, sent } = serve((_req, res) => void res.writeEarlyHints({ [name]: value }));
      expect(errors, name).toEqual([expect.objectContaining({ code })]);
      expect(sent).toMatch(/^HTTP\/1\.1 500 /);
    }
  });

  it('after the head is an error; after the close it is dropped', () => {
    const late = serve((_req, res) => {
      res.write('a');
      expect(() => res.writeInformation(102)).toThrow(
        expect.objectContaining({ code: 'ERR_HTTP_HEAD_SENT' }),
      );
      res.end();
      expect(() => res.writeInformation(102)).toThrow(
        expect.objectContaining({ code: 'ERR_HTTP_HEAD_SENT' }),
      );
    });
    expect(late.errors).toEqual([]);
    serve((req, res) => {
      req.connection.destroy();
      expect(res.writeInformation(102)).toBe(false);
      expect(res.writeContinue()).toBe(false);
    });
    expect.assertions(5);
  });
});

describe('writeContinue()', () => {
  it('tells a client that waits to go on, once; reading does not tell it again', async () => {
    const seen: unknown[] = [];
    const { connection, sent } = serve(async (req, res) => {
      seen.push(res.writeContinue(), res.writeContinue());
      seen.push(await req.body.text());
      res.end();
    }, EXPECT);
    expect(sent).toBe(CONTINUE);
    connection.receive('hello');
    await settled();
    expect(seen).toEqual([true, false, 'hello']);
    expect(connection.take()).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
    expect(connection.calls).toEqual([]);
  });

  it('may come long before anybody reads', async () => {
    const { connection, sent } = serve(async (req, res) => {
      res.writeContinue();
      await settled();
      res.end(await req.body.text());
    }, EXPECT);
    expect(sent).toBe(CONTINUE);
    connection.receive('hello');
    await settled();
    await settled();
    expect(parseAnswers(connection.take())).toMatchObject([{ body: 'hello' }]);
  });

  it('may come before or after other interim answers', () => {
    const { sent } = serve((_req, res) => {
      res.writeEarlyHints({ Link: '</a>' });
      res.writeContinue();
      res.writeInformation(102);
      res.end();
    }, EXPECT);
    expect(parseAnswers(sent).map(({ status }) => status)).toEqual([103, 100, 102, 200]);
  });

  it('without somebody who waits does nothing', () => {
    const wires = [
      GET,
      `${EXPECT}hello`,
      EXPECT.replace('HTTP/1.1', 'HTTP/1.0'),
      EXPECT.replace('Length: 5', 'Length: 0'),
    ];
    for (const wire of wires) {
      const { sent } = serve((_req, res) => {
        expect(res.writeContinue()).toBe(false);
        res.end();
      }, wire);
      expect(sent).toMatch(/^HTTP\/1\.1 200 /);
    }
    expect.assertions(2 * wires.length);
  });

  it('after the head does nothing', () => {
    const { sent } = serve((_req, res) => {
      res.write('a');
      expect(res.writeContinue()).toBe(false);
      res.end();
    }, EXPECT);
    expect(sent).not.toContain('100 Continue');
    expect.assertions(2);
  });
});
