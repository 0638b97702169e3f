import { http } from '@sluice/http-lite';
import { describe, expect, it } from 'vitest';
import { parseAnswers } from './answers.ts';
import { expectAnswers, expectLog } from './expect-log.ts';
import { FakeConnection } from './fake-connection.ts';
import { parseLog } from './parse-log.ts';
import { settled } from './replay.ts';
import { visible } from './wire-text.ts';

it('no control byte passes in a value, whatever stands around it', () => {
  const controls = [...Array(32).keys(), 0x7f].filter((byte) => byte !== 0x09);
  for (const byte of controls) {
    for (let before = 0; before < 9; before++) {
      const value = `${'\xff'.repeat(before)}${String.fromCharCode(byte)}\xff\x80ab`;
      const log = parseLog(Buffer.from(`GET / HTTP/1.1\r\nHost: a\r\nX: ${value}\r\n\r\n`, 'latin1'));
      expect(log, visible(value)).toEqual([expect.stringContaining('=> 400 close ERR_HTTP_HEADER: ')]);
    }
  }
});

describe('limits', () => {
  const host = 'Host: a\r\n';
  const chunked = `POST / HTTP/1.1\r\n${host}Transfer-Encoding: chunked\r\n\r\n`;
  const chunkedLog = ['POST / HTTP/1.1', '  Host: a', '  Transfer-Encoding: chunked'];

  it('a head of exactly headBytes is read, one byte more is 431', async () => {
    const limits = { headBytes: 128 };
    const start = `GET / HTTP/1.1\r\n${host}X: `;
    const value = 'x'.repeat(128 - start.length - 4);
    const fits = `${start}${value}\r\n\r\n`;
    expect(fits.length).toBe(128);
    await expectLog(fits, ['GET / HTTP/1.1', '  Host: a', `  X: ${value}`, '  => 200'], { limits });
    const refused = ['=> 431 close ERR_HTTP_HEAD_TOO_LARGE: a request head may have 128 bytes'];
    await expectLog(fits.replace('X: ', 'X: x'), refused, { limits });
  });

  it('a head that never ends is refused at headBytes, wherever its pieces end', async () => {
    const limits = { headBytes: 256 };
    const refused = ['=> 431 close ERR_HTTP_HEAD_TOO_LARGE: a request head may have 256 bytes'];
    await expectLog(`GET / HTTP/1.1\r\n${host}X: ${'x'.repeat(400)}`, refused, { limits });
  });

  it('a request line that never ends is 414 at headBytes, where targetBytes allows for more', async () => {
    const limits = { headBytes: 128 };
    const refused = ['=> 414 close ERR_HTTP_TARGET_TOO_LONG: a request line may have 128 bytes'];
    await expectLog(`GET /${'x'.repeat(400)}`, refused, { limits });
  });

  it('as many header lines as headerCount are read, one more is 431', async () => {
    const limits = { headerCount: 3 };
    const lines = `${host}A: 1\r\nB: 2\r\n`;
    const log = ['GET / HTTP/1.1', '  Host: a', '  A: 1', '  B: 2', '  => 200'];
    await expectLog(`GET / HTTP/1.1\r\n${lines}\r\n`, log, { limits });
    const refused = ['=> 431 close ERR_HTTP_HEAD_TOO_LARGE: at most 3 header lines are accepted'];
    await expectLog(`GET / HTTP/1.1\r\n${lines}C: 3\r\n\r\n`, refused, { limits });
  });

  it('a target of exactly targetBytes is read, one byte more is 414', async () => {
    const limits = { targetBytes: 10 };
    const log = ['GET /123456789 HTTP/1.1', '  Host: a', '  => 200'];
    await expectLog(`GET /123456789 HTTP/1.1\r\n${host}\r\n`, log, { limits });
    const refused = ['=> 414 close ERR_HTTP_TARGET_TOO_LONG: a target may have 10 bytes'];
    await expectLog(`GET /1234567890 HTTP/1.1\r\n${host}\r\n`, refused, { limits });
  });

  it('a declared body beyond bodyBytes is 413 before the handler is called', async () => {
    const wire = `POST / HTTP/1.1\r\n${host}Content-Length: 11\r\n\r\nhello world`;
    const refused = ['=> 413 close: a request body may have 10 bytes'];
    await expectAnswers(wire, refused, { limits: { bodyBytes: 10 } });
  });

  it('a chunked body beyond bodyBytes is 413 when it gets there', async () => {
    const wire = `${chunked}5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n`;
    const refused = ['  body ERR_HTTP_BODY_TOO_LARGE', '  => 413 close: a request body may have 10 bytes'];
    await expectAnswers(wire, [...chunkedLog, ...refused], { limits: { bodyBytes: 10 } });
  });

  it('collecting more than collectBytes is 413, and the connection goes on when the rest is short', async () => {
    const wire = `POST / HTTP/1.1\r\n${host}Content-Length: 11\r\n\r\nhello worldGET / HTTP/1.1\r\n${host}\r\n`;
    const log = ['POST / HTTP/1.1', '  Host: a', '  Content-Length: 11', '  body ERR_HTTP_BODY_TOO_LARGE'];
    const refused =
      '  => 413: the body exceeds the 10 bytes that are collected; iterate it, or raise the limit';
    const next = ['GET / HTTP/1.1', '  Host: a', '  => 200'];
    await expectAnswers(wire, [...log, refused, ...next], { limits: { collectBytes: 10 } });
  });

  it('chunk extensions of a body are bounded together', async () => {
    const wire = `${chunked}${'1;abcdef\r\nx\r\n'.repeat(5)}0\r\n\r\n`;
    const read = [...chunkedLog, '  body "xxxxx"', '  => 200'];
    await expectLog(wire, read, { limits: { chunkOverheadBytes: 35 } });
    const reason = 'there are too many chunk extensions (RFC 9112 §7.1)';
    const refused = [...chunkedLog, '  body ERR_HTTP_CHUNK', `  => 400 close ERR_HTTP_CHUNK: ${reason}`];
    await expectLog(wire, refused, { limits: { chunkOverheadBytes: 34 } });
  });

  it('a trailer section is bounded in bytes and lines', async () => {
    const refused = (reason: string) => [
      ...chunkedLog,
      '  body ERR_HTTP_HEAD_TOO_LARGE',
      `  => 431 close ERR_HTTP_HEAD_TOO_LARGE: ${reason}`,
    ];
    const tooLarge = refused('a trailer section may have 512 bytes');
    await expectLog(`${chunked}0\r\nX: ${'x'.repeat(600)}`, tooLarge, {
      limits: { chunkOverheadBytes: 512 },
    });
    const tooMany = refused('at most 3 header lines are accepted');
    await expectLog(`${chunked}0\r\n${'X: 1\r\n'.repeat(4)}\r\n`, tooMany, { limits: { headerCount: 3 } });
  });

  it('an unknown limit, or one out of its range, is an error when the protocol is made', () => {
    const make = (limits: object) => () => http(() => {}, { limits });
    expect(make({ headbytes: 1 })).toThrow(expect.objectContaining({ code: 'ERR_UNKNOWN_OPTION' }));
    expect(make({ headBytes: 127 })).toThrow(expect.objectContaining({ code: 'ERR_OPTION_VALUE' }));
    expect(make({ bodyBytes: -1 })).toThrow(expect.objectContaining({ code: 'ERR_OPTION_VALUE' }));
    expect(make({ bodyBytes: Number.POSITIVE_INFINITY })).not.toThrow();
    expect(() => http(() => {}, { onerror: () => {} } as object)).toThrow(
      expect.objectContaining({ code: 'ERR_UNKNOWN_OPTION' }),
    );
  });
});

describe('a refusal', () => {
  it('says what is wrong, in an answer of known length', () => {
    const connection = new FakeConnection(http(() => {})).receive('GET / HTTP/1.1\r\n\r\n');
    const [answer] = parseAnswers(connection.take());
    expect(answer).toMatchObject({ status: 400, headers: { connection: 'close' } });
    expect(answer?.headers).toHaveProperty('date');
    expect(answer?.body).toBe(
      '400 Bad Request: an HTTP/1.1 request needs a Host header (RFC 9112 §3.2)\n'.replace('§', 'Â§'),
    );
  });

  it('of a HEAD request has no body', () => {
    const connection = new FakeConnection(http(() => {})).receive('HEAD / HTTP/1.1\r\n\r\n');
    expect(parseAnswers(connection.take(), ['HEAD'])).toMatchObject([{ status: 400, body: '' }]);
  });

  it('has a body, though the request before it, on another connection, was a HEAD', () => {
    const protocol = http((_req, res) => res.end());
    new FakeConnection(protocol).receive('HEAD / HTTP/1.1\r\nHost: a\r\n\r\n');
    for (const garbage of ['nonsense\r\n', '\rX', 'HEAD']) {
      const connection = new FakeConnection(protocol).receive(garbage).receive('\0');
      expect(parseAnswers(connection.take())).toMatchObject([
        { status: 400, body: expect.stringMatching(/^400 Bad Request: /) },
      ]);
    }
  });

  it('waits for the answers before it', async () => {
    const pending: (() => void)[] = [];
    const protocol = http((_req, res) => void pending.push(() => res.end('first')));
    const connection = new FakeConnection(protocol).receive(
      'GET / HTTP/1.1\r\nHost: a\r\n\r\nnonsense\r\n\r\n',
    );
    await settled();
    expect(connection.take()).toBe('');
    for (const end of pending) end();
    expect(parseAnswers(connection.take())).toMatchObject([{ status: 200, body: 'first' }, { status: 400 }]);
    expect(connection.calls).toEqual(['close']);
  });

  it('of a body lets an answer that has begun come to its end, and closes behind it', async () => {
    let finish = () => {};
    const protocol = http((_req, res) => {
      res.write('a');
      finish = () => res.end('b');
    });
    const connection = new FakeConnection(protocol);
    connection.receive('POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nnonsense');
    expect(connection.calls).toEqual([]);
    finish();
    expect(parseAnswers(connection.take())).toMatchObject([{ status: 200, body: 'ab' }]);
    expect(connection.calls).toEqual(['close']);
  });
});
