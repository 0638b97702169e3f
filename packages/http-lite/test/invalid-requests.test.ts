import { http } from '@sluice/http-lite';
import { describe, expect, it } from 'vitest';
import { parseAnswers } from './answers.ts';
import { FakeConnection } from './fake-connection.ts';
import { expectLog, settled } from './replay.ts';

/** What an attacker wants to be read as a request of its own. */
const SMUGGLED = 'GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n';

/** Refused in the head: no handler is called, nothing behind it is read, at any split. */
const badHeads: Record<string, [status: number, head: string]> = {
  // The request line.
  'a line that is no request': [400, 'hello\r\n\r\n'],
  'the first bytes of a TLS handshake': [400, '\x16\x03\x01\x02\x00\x01\x00'],
  'an HTTP/0.9 request': [400, 'GET /\r\n\r\n'],
  'no method': [400, ' / HTTP/1.1\r\nHost: a\r\n\r\n'],
  'a method that is no token': [400, 'G(T / HTTP/1.1\r\nHost: a\r\n\r\n'],
  'a tab for a space': [400, 'GET\t/ HTTP/1.1\r\nHost: a\r\n\r\n'],
  'two spaces before the target': [400, 'GET  / HTTP/1.1\r\nHost: a\r\n\r\n'],
  'two spaces behind the target': [400, 'GET /  HTTP/1.1\r\nHost: a\r\n\r\n'],
  'a space inside the target': [400, 'GET /a b HTTP/1.1\r\nHost: a\r\n\r\n'],
  'a NUL in the target': [400, 'GET /a\0 HTTP/1.1\r\nHost: a\r\n\r\n'],
  'a byte beyond ASCII in the target': [400, 'GET /\xe9 HTTP/1.1\r\nHost: a\r\n\r\n'],
  'a fragment': [400, 'GET /a#b HTTP/1.1\r\nHost: a\r\n\r\n'],
  'a target without a slash': [400, 'GET a HTTP/1.1\r\nHost: a\r\n\r\n'],
  'an absolute target of another scheme': [400, 'GET ftp://a/ HTTP/1.1\r\nHost: a\r\n\r\n'],
  'an absolute target without a host': [400, 'GET http:/// HTTP/1.1\r\nHost: a\r\n\r\n'],
  'an asterisk for GET': [400, 'GET * HTTP/1.1\r\nHost: a\r\n\r\n'],
  'a bare LF behind the request line': [400, 'GET / HTTP/1.1\nHost: a\r\n\r\n'],
  'a bare CR behind the request line': [400, 'GET / HTTP/1.1\rHost: a\r\n\r\n'],
  'a trailing space behind the version': [400, 'GET / HTTP/1.1 \r\nHost: a\r\n\r\n'],
  'a version in lower case': [400, 'GET / http/1.1\r\nHost: a\r\n\r\n'],
  'a version with two digits': [400, 'GET / HTTP/1.10\r\nHost: a\r\n\r\n'],
  'a version without a dot': [400, 'GET / HTTP/11\r\nHost: a\r\n\r\n'],
  'bare LFs before the request line': [400, '\n\nGET / HTTP/1.1\r\nHost: a\r\n\r\n'],
  'five empty lines before the request line': [400, '\r\n\r\n\r\n\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n'],
  'a CR without its LF before the request line': [400, '\rGET / HTTP/1.1\r\nHost: a\r\n\r\n'],
  CONNECT: [501, 'CONNECT a:80 HTTP/1.1\r\nHost: a\r\n\r\n'],
  'a method without end': [501, `${'A'.repeat(33)}`],
  'HTTP/2.0': [505, 'GET / HTTP/2.0\r\nHost: a\r\n\r\n'],
  'the preface of HTTP/2': [400, 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
  'HTTP/0.9 with a version': [505, 'GET / HTTP/0.9\r\n\r\n'],

  // Lines and fields.
  'a bare LF behind a field': [400, 'GET / HTTP/1.1\r\nHost: a\nX: b\r\n\r\n'],
  'a bare LF for the empty line': [400, 'GET / HTTP/1.1\r\nHost: a\r\n\n'],
  'a bare CR inside a value': [400, 'GET / HTTP/1.1\r\nHost: a\r\nX: a\rb\r\n\r\n'],
  'a folded line': [400, 'GET / HTTP/1.1\r\nHost: a\r\nX: a\r\n b\r\n\r\n'],
  'a folded line with a tab': [400, 'GET / HTTP/1.1\r\nHost: a\r\nX: a\r\n\tb\r\n\r\n'],
  'a first line that is folded': [400, 'GET / HTTP/1.1\r\n Host: a\r\n\r\n'],
  'a blank before the colon': [400, 'GET / HTTP/1.1\r\nHost: a\r\nX : b\r\n\r\n'],
  'a tab before the colon': [400, 'GET / HTTP/1.1\r\nHost: a\r\nX\t: b\r\n\r\n'],
  'no colon': [400, 'GET / HTTP/1.1\r\nHost: a\r\nX\r\n\r\n'],
  'no name': [400, 'GET / HTTP/1.1\r\nHost: a\r\n: b\r\n\r\n'],
  'a name that is no token': [400, 'GET / HTTP/1.1\r\nHost: a\r\nX(: b\r\n\r\n'],
  'a name beyond ASCII': [400, 'GET / HTTP/1.1\r\nHost: a\r\n\xc9: b\r\n\r\n'],
  'a NUL in a name': [400, 'GET / HTTP/1.1\r\nHost: a\r\nX\0: b\r\n\r\n'],
  'a NUL in a value': [400, 'GET / HTTP/1.1\r\nHost: a\r\nX: \0\r\n\r\n'],
  'a control byte in a value': [400, 'GET / HTTP/1.1\r\nHost: a\r\nLonger: abcdefgh\x1fijkl\r\n\r\n'],
  'a DEL in a value': [400, 'GET / HTTP/1.1\r\nHost: a\r\nX: abcdefgh\x7f\r\n\r\n'],
  'a DEL behind a high byte': [400, 'GET / HTTP/1.1\r\nHost: a\r\nX: \xff\xff\xff\x7f\xff\xff\r\n\r\n'],

  // Host.
  'no Host': [400, 'GET / HTTP/1.1\r\n\r\n'],
  'two Hosts': [400, 'GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n'],
  'two Hosts in HTTP/1.0': [400, 'GET / HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n'],
  'a list of Hosts': [400, 'GET / HTTP/1.1\r\nHost: a, b\r\n\r\n'],
  'a Host with a path': [400, 'GET / HTTP/1.1\r\nHost: a/b\r\n\r\n'],
  'a Host with a user': [400, 'GET / HTTP/1.1\r\nHost: u@a\r\n\r\n'],
  'a Host with a port that is no number': [400, 'GET / HTTP/1.1\r\nHost: a:8o\r\n\r\n'],
  'a Host with two ports': [400, 'GET / HTTP/1.1\r\nHost: a:80:80\r\n\r\n'],
  'a Host with an open bracket': [400, 'GET / HTTP/1.1\r\nHost: [::1\r\n\r\n'],
  'a Host with empty brackets': [400, 'GET / HTTP/1.1\r\nHost: []\r\n\r\n'],
  'a Host with text behind its brackets': [400, 'GET / HTTP/1.1\r\nHost: [::1]a\r\n\r\n'],
  'a Host with a broken escape': [400, 'GET / HTTP/1.1\r\nHost: a%4\r\n\r\n'],

  // Framing (RFC 9112 §6.3, §11.2).
  'CL.TE': [
    400,
    'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
  ],
  'TE.CL': [
    400,
    'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n',
  ],
  'two different lengths': [
    400,
    'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n',
  ],
  'two equal lengths': [400, 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\ncontent-length: 5\r\n\r\n'],
  'a list of lengths': [400, 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5, 5\r\n\r\n'],
  'a length with a plus': [400, 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +5\r\n\r\n'],
  'a negative length': [400, 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -5\r\n\r\n'],
  'a hexadecimal length': [400, 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0x5\r\n\r\n'],
  'an exponential length': [400, 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1e1\r\n\r\n'],
  'an empty length': [400, 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: \r\n\r\n'],
  'a length with a blank inside': [400, 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5 5\r\n\r\n'],
  'a length with a no-break space': [400, 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\xa0\r\n\r\n'],
  'a length beyond 2^53': [413, 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9007199254740993\r\n\r\n'],
  'a length beyond 2^64': [413, 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 18446744073709551621\r\n\r\n'],
  'Transfer-Encoding with a blank before its colon': [
    400,
    'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding : chunked\r\n\r\n',
  ],
  'chunked twice in a line': [
    400,
    'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, chunked\r\n\r\n',
  ],
  'chunked twice in two lines': [
    400,
    'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n',
  ],
  'identity behind chunked': [
    400,
    'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n',
  ],
  'chunked that is not last': [400, 'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, gzip\r\n\r\n'],
  xchunked: [400, 'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n'],
  'chunked in quotes': [400, 'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: "chunked"\r\n\r\n'],
  'chunked with a parameter': [400, 'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked;a=b\r\n\r\n'],
  'chunked behind a vertical tab': [
    400,
    'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: \x0bchunked\r\n\r\n',
  ],
  'chunked behind a no-break space': [
    400,
    'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: \xa0chunked\r\n\r\n',
  ],
  'an empty Transfer-Encoding': [400, 'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding:\r\n\r\n'],
  'a coding before chunked': [501, 'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n'],
  'Transfer-Encoding in HTTP/1.0': [400, 'POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n'],

  // What we do not do.
  'an expectation that is not known': [
    417,
    'POST / HTTP/1.1\r\nHost: a\r\nExpect: 200-ok\r\nContent-Length: 5\r\n\r\n',
  ],
};

describe('a head is refused, and nothing behind it is read, for', () => {
  for (const [name, [status, head]] of Object.entries(badHeads)) {
    it(name, () => expectLog(head + SMUGGLED, [`${status} close`, 'close', 'closed clean']));
  }
});

/** Refused in a chunked body: the handler is at it already. */
const badChunks: Record<string, [status: number, body: string]> = {
  'no digits': [400, '\r\nhello\r\n0\r\n\r\n'],
  'a sign': [400, '+5\r\nhello\r\n0\r\n\r\n'],
  'a negative size': [400, '-5\r\nhello\r\n0\r\n\r\n'],
  'a prefix': [400, '0x5\r\nhello\r\n0\r\n\r\n'],
  'an underscore': [400, '1_0\r\nhello\r\n0\r\n\r\n'],
  'a blank before the size': [400, ' 5\r\nhello\r\n0\r\n\r\n'],
  'a blank behind the size': [400, '5 \r\nhello\r\n0\r\n\r\n'],
  'a size beyond 2^53': [400, '20000000000000\r\nhello\r\n0\r\n\r\n'],
  'a size beyond 2^64': [400, '10000000000000005\r\nhello\r\n0\r\n\r\n'],
  'a size of seventeen zeros': [400, '00000000000000005\r\nhello\r\n0\r\n\r\n'],
  'a bare LF behind the size': [400, '5\nhello\r\n0\r\n\r\n'],
  'a bare CR behind the size': [400, '5\rhello\r\n0\r\n\r\n'],
  'a bare LF in an extension': [400, '5;a\nhello\r\n0\r\n\r\n'],
  'a NUL in an extension': [400, '5;\0\r\nhello\r\n0\r\n\r\n'],
  'data longer than its size': [400, '4\r\nhello\r\n0\r\n\r\n'],
  'data shorter than its size': [400, '6\r\nhello\r\n0\r\n\r\n'],
  'a bare LF behind the data': [400, '5\r\nhello\n0\r\n\r\n'],
  'a bare CR behind the data': [400, '5\r\nhello\r0\r\n\r\n'],
  'a folded trailer': [400, '0\r\nX: a\r\n b\r\n\r\n'],
  'a trailer without a colon': [400, '0\r\nX\r\n\r\n'],
  'a bare LF behind the trailers': [400, '0\r\nX: a\r\n\n'],
};

describe('a chunked body is refused, and nothing behind it is read, for', () => {
  const head = 'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n';
  const log = ['POST / HTTP/1.1', '  Host: a', '  Transfer-Encoding: chunked'];
  for (const [name, [status, body]] of Object.entries(badChunks)) {
    const code = 'ERR_HTTP_CHUNK';
    const isTrailer = name.includes('trailer');
    it(name, () =>
      expectLog(head + body + SMUGGLED, [
        ...log,
        `  body ${isTrailer ? 'ERR_HTTP_HEADER' : code}`,
        `${status} close`,
        'close',
        'closed clean',
      ]),
    );
  }
});

describe('limits', () => {
  const host = 'Host: a\r\n';

  it('a head of exactly headBytes is read, one byte more is 431', async () => {
    const limits = { headBytes: 128 };
    const start = `GET / HTTP/1.1\r\n${host}X: `;
    const fits = `${start}${'x'.repeat(128 - start.length - 4)}\r\n\r\n`;
    expect(fits.length).toBe(128);
    const log = ['GET / HTTP/1.1', '  Host: a', `  X: ${'x'.repeat(128 - start.length - 4)}`, '200'];
    await expectLog(fits, [...log, 'close', 'closed clean'], { limits });
    await expectLog(fits.replace('X: ', 'X: x'), ['431 close', 'close', 'closed clean'], { limits });
  });

  it('a head that never ends is refused at headBytes, wherever its pieces end', async () => {
    const endless = `GET / HTTP/1.1\r\n${host}X: ${'x'.repeat(400)}`;
    await expectLog(endless, ['431 close', 'close', 'closed clean'], { limits: { headBytes: 256 } });
  });

  it('as many header lines as headerCount are read, one more is 431', async () => {
    const limits = { headerCount: 3 };
    const lines = `${host}A: 1\r\nB: 2\r\n`;
    const log = ['GET / HTTP/1.1', '  Host: a', '  A: 1', '  B: 2', '200', 'close', 'closed clean'];
    await expectLog(`GET / HTTP/1.1\r\n${lines}\r\n`, log, { limits });
    await expectLog(`GET / HTTP/1.1\r\n${lines}C: 3\r\n\r\n`, ['431 close', 'close', 'closed clean'], {
      limits,
    });
  });

  it('a target of exactly targetBytes is read, one byte more is 414', async () => {
    const limits = { targetBytes: 10 };
    const log = ['GET /123456789 HTTP/1.1', '  Host: a', '200', 'close', 'closed clean'];
    await expectLog(`GET /123456789 HTTP/1.1\r\n${host}\r\n`, log, { limits });
    await expectLog(`GET /1234567890 HTTP/1.1\r\n${host}\r\n`, ['414 close', 'close', 'closed clean'], {
      limits,
    });
  });

  it('a declared body beyond bodyBytes is 413 before the handler is called', async () => {
    const wire = `POST / HTTP/1.1\r\n${host}Content-Length: 11\r\n\r\nhello world`;
    await expectLog(wire, ['413 close', 'close', 'closed clean'], { limits: { bodyBytes: 10 } });
  });

  it('a chunked body beyond bodyBytes is 413 when it gets there', async () => {
    const wire = `POST / HTTP/1.1\r\n${host}Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n`;
    const log = [
      'POST / HTTP/1.1',
      '  Host: a',
      '  Transfer-Encoding: chunked',
      '  body ERR_HTTP_BODY_TOO_LARGE',
    ];
    await expectLog(wire, [...log, '413 close', 'close', 'closed clean'], { limits: { bodyBytes: 10 } });
  });

  it('collecting more than collectBytes is 413, and the connection goes on when the rest is short', async () => {
    const wire = `POST / HTTP/1.1\r\n${host}Content-Length: 11\r\n\r\nhello worldGET / HTTP/1.1\r\n${host}\r\n`;
    const log = ['POST / HTTP/1.1', '  Host: a', '  Content-Length: 11', '  body ERR_HTTP_BODY_TOO_LARGE'];
    const next = ['GET / HTTP/1.1', '  Host: a', '413', '200', 'close', 'closed clean'];
    await expectLog(wire, [...log, ...next], { limits: { collectBytes: 10 } });
  });

  it('chunk extensions of a body are bounded together', async () => {
    const chunks = '1;abcdef\r\nx\r\n'.repeat(5);
    const wire = `POST / HTTP/1.1\r\n${host}Transfer-Encoding: chunked\r\n\r\n${chunks}0\r\n\r\n`;
    const log = ['POST / HTTP/1.1', '  Host: a', '  Transfer-Encoding: chunked'];
    const end = ['close', 'closed clean'];
    await expectLog(wire, [...log, '  body "xxxxx"', '200', ...end], { limits: { chunkOverheadBytes: 35 } });
    const refused = [...log, '  body ERR_HTTP_CHUNK', '400 close', ...end];
    await expectLog(wire, refused, { limits: { chunkOverheadBytes: 34 } });
  });

  it('a trailer section is bounded in bytes and lines', async () => {
    const head = `POST / HTTP/1.1\r\n${host}Transfer-Encoding: chunked\r\n\r\n0\r\n`;
    const log = ['POST / HTTP/1.1', '  Host: a', '  Transfer-Encoding: chunked'];
    const refused = [...log, '  body ERR_HTTP_HEAD_TOO_LARGE', '431 close', 'close', 'closed clean'];
    await expectLog(`${head}X: ${'x'.repeat(600)}`, refused, { limits: { chunkOverheadBytes: 512 } });
    await expectLog(`${head}${'X: 1\r\n'.repeat(4)}\r\n`, refused, { limits: { headerCount: 3 } });
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
