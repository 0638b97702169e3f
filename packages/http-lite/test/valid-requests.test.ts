import { describe, it } from 'vitest';
import { expectLog } from './replay.ts';

const END = ['close', 'closed clean'];

const cases: Record<string, [wire: string, log: string[]]> = {
  'a plain GET': [
    'GET /a?b=c HTTP/1.1\r\nHost: example.org:8080\r\nAccept: */*\r\n\r\n',
    ['GET /a?b=c HTTP/1.1', '  Host: example.org:8080', '  Accept: */*', '200'],
  ],
  'blanks around a value, and a value of blanks only': [
    'GET / HTTP/1.1\r\nhOsT:\t a \t\r\nX:  \r\nY:\r\n\r\n',
    ['GET / HTTP/1.1', '  hOsT: a', '  X: ', '  Y: ', '200'],
  ],
  'a tab and Latin-1 bytes inside a value': [
    'GET / HTTP/1.1\r\nHost: a\r\nX: \xe9\t\xff\r\n\r\n',
    ['GET / HTTP/1.1', '  Host: a', '  X: \xe9\t\xff', '200'],
  ],
  'every token character in a name and a method': [
    "!#$%&'*+-.^_`|~09azAZ / HTTP/1.1\r\nHost: a\r\n!#$%&'*+-.^_`|~09azAZ: 1\r\n\r\n",
    ["!#$%&'*+-.^_`|~09azAZ / HTTP/1.1", '  Host: a', "  !#$%&'*+-.^_`|~09azAZ: 1", '200'],
  ],
  'methods that begin like known ones': [
    'GETS / HTTP/1.1\r\nHost: a\r\n\r\nPOSTER / HTTP/1.1\r\nHost: a\r\n\r\nPU / HTTP/1.1\r\nHost: a\r\n\r\nget / HTTP/1.1\r\nHost: a\r\n\r\n',
    ['GETS', 'POSTER', 'PU', 'get']
      .flatMap((method) => [`${method} / HTTP/1.1`, '  Host: a'])
      .concat(['200', '200', '200', '200']),
  ],
  'known methods': [
    ['DELETE', 'OPTIONS', 'PATCH', 'PUT'].map((method) => `${method} / HTTP/1.1\r\nHost: a\r\n\r\n`).join(''),
    ['DELETE', 'OPTIONS', 'PATCH', 'PUT']
      .flatMap((method) => [`${method} / HTTP/1.1`, '  Host: a'])
      .concat(['200', '200', '200', '200']),
  ],
  'an absolute-form target and the asterisk of OPTIONS': [
    'GET HTTP://a/b HTTP/1.1\r\nHost: a\r\n\r\nOPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n',
    ['GET HTTP://a/b HTTP/1.1', '  Host: a', 'OPTIONS * HTTP/1.1', '  Host: a', '200', '200'],
  ],
  'empty lines before a request line': [
    '\r\n\r\nGET /1 HTTP/1.1\r\nHost: a\r\n\r\n\r\nGET /2 HTTP/1.1\r\nHost: a\r\n\r\n',
    ['GET /1 HTTP/1.1', '  Host: a', 'GET /2 HTTP/1.1', '  Host: a', '200', '200'],
  ],
  'a higher minor version, served as 1.1': [
    'GET / HTTP/1.7\r\nHost: a\r\n\r\n',
    ['GET / HTTP/1.1', '  Host: a', '200'],
  ],
  'HTTP/1.0 without Host, closed after its answer': [
    'GET / HTTP/1.0\r\n\r\nGET /2 HTTP/1.0\r\n\r\n',
    ['GET / HTTP/1.0', '200 close'],
  ],
  'HTTP/1.0 with keep-alive': [
    'GET /1 HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\nGET /2 HTTP/1.0\r\n\r\n',
    ['GET /1 HTTP/1.0', '  Connection: Keep-Alive', 'GET /2 HTTP/1.0', '200', '200 close'],
  ],
  'Connection: close among other options': [
    'GET /1 HTTP/1.1\r\nHost: a\r\nConnection: TE ,\tCLOSE\r\n\r\nGET /2 HTTP/1.1\r\nHost: a\r\n\r\n',
    ['GET /1 HTTP/1.1', '  Host: a', '  Connection: TE ,\tCLOSE', '200 close'],
  ],
  'Host in all its forms': [
    ['', 'a', 'A-1.b_c~:80', '127.0.0.1:', '[::1]', '[fe80::1%25]:443', '%41%7e!$&()*+,;='.replace('%25', '')]
      .filter((host) => !host.includes('%25'))
      .map((host) => `GET / HTTP/1.1\r\nHost: ${host}\r\n\r\n`)
      .join(''),
    ['', 'a', 'A-1.b_c~:80', '127.0.0.1:', '[::1]', '%41%7e!$&()*+,;=']
      .flatMap((host) => ['GET / HTTP/1.1', `  Host: ${host}`])
      .concat(new Array(6).fill('200')),
  ],
  'a body with a length, and a request behind it': [
    'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0005\r\n\r\nhelloGET /2 HTTP/1.1\r\nHost: a\r\n\r\n',
    [
      'POST / HTTP/1.1',
      '  Host: a',
      '  Content-Length: 0005',
      '  body "hello"',
      'GET /2 HTTP/1.1',
      '  Host: a',
      '200',
      '200',
    ],
  ],
  'a body of zero bytes': [
    'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\nGET /2 HTTP/1.1\r\nHost: a\r\n\r\n',
    ['POST / HTTP/1.1', '  Host: a', '  Content-Length: 0', 'GET /2 HTTP/1.1', '  Host: a', '200', '200'],
  ],
  'a chunked body with extensions and trailers, and a request behind it': [
    'POST / HTTP/1.1\r\nHost: a\r\ntransfer-encoding: Chunked\r\n\r\n' +
      '5\r\nhello\r\n0A;x\r\n, world!!!\r\n1 ; a="b\\"c";d=e\r\n?\r\n000\r\nTrailer: 1\r\nX: 2\r\n\r\n' +
      'GET /2 HTTP/1.1\r\nHost: a\r\n\r\n',
    [
      'POST / HTTP/1.1',
      '  Host: a',
      '  transfer-encoding: Chunked',
      '  body "hello, world!!!?"',
      'GET /2 HTTP/1.1',
      '  Host: a',
      '200',
      '200',
    ],
  ],
  'a chunked body of nothing': [
    'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /2 HTTP/1.1\r\nHost: a\r\n\r\n',
    [
      'POST / HTTP/1.1',
      '  Host: a',
      '  Transfer-Encoding: chunked',
      '  body ""',
      'GET /2 HTTP/1.1',
      '  Host: a',
      '200',
      '200',
    ],
  ],
  'an expectation of HTTP/1.0, which has none': [
    'GET / HTTP/1.0\r\nExpect: the impossible\r\n\r\n',
    ['GET / HTTP/1.0', '  Expect: the impossible', '200 close'],
  ],
};

describe('the parser reads, whatever the pieces,', () => {
  for (const [name, [wire, log]] of Object.entries(cases)) {
    it(name, () => expectLog(wire, [...log, ...END]));
  }
});

describe('when the peer ends in the middle', () => {
  it('of a head, the connection is closed without an answer', async () => {
    await expectLog('GET / HTTP/1.1\r\nHost', END);
  });

  it('of empty lines, the connection is closed without an answer', async () => {
    await expectLog('\r\n\r', END);
  });

  it('of a body with a length, the body is truncated and nothing is answered', async () => {
    const head = ['POST / HTTP/1.1', '  Host: a', '  Content-Length: 5'];
    await expectLog('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhell', [
      ...head,
      '  body ERR_HTTP_BODY_TRUNCATED',
      ...END,
    ]);
  });

  it('of a chunked body, the body is truncated and nothing is answered', async () => {
    const head = ['POST / HTTP/1.1', '  Host: a', '  Transfer-Encoding: chunked'];
    await expectLog('POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n', [
      ...head,
      '  body ERR_HTTP_BODY_TRUNCATED',
      ...END,
    ]);
  });
});
