import { http, type Request } from '@sluice/http-lite';
import { describe, expect, it } from 'vitest';
import { parseAnswers } from './answers.ts';
import { FakeConnection } from './fake-connection.ts';
import { expectLog, settled } from './replay.ts';

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

describe('a field section that is repeated', () => {
  const padding = `X-Padding: ${'x'.repeat(150)}\r\n`;
  const request = (version: string, lines: string) => `GET / HTTP/${version}\r\n${lines}${padding}\r\n`;

  /** Answers and calls for requests that arrive one by one through one protocol, each on a connection of its own. */
  async function serve(requests: readonly string[]): Promise<string[]> {
    const protocol = http(async (req, res) => {
      res.end(`${req.headers.get('host')} ${req.headers.get('x-padding')?.length} ${await req.body.text()}`);
    });
    const log: string[] = [];
    for (const wire of requests) {
      const connection = new FakeConnection(protocol).receive(wire);
      await settled();
      const [answer] = parseAnswers(connection.take());
      log.push([answer?.status, answer?.body.split('\n')[0], ...connection.calls].join(' | '));
    }
    return log;
  }

  it('says the same again, and something else when a byte differs', async () => {
    const keep = request('1.1', 'Host: a\r\nConnection: keep-xxxxx\r\n');
    const close = request('1.1', 'Host: b\r\nConnection: close     \r\n');
    const log = await serve([keep, close, keep, keep, close, close]);
    const [first, second] = ['200 | a 150 ', '200 | b 150  | close'];
    expect(log).toEqual([first, second, first, first, second, second]);
  });

  it('is judged anew for another version', async () => {
    const lines = `Transfer-Encoding: chunked\r\nHost: a\r\n${padding}\r\n`;
    const log = await serve([
      `POST / HTTP/1.1\r\n${lines}`,
      `POST / HTTP/1.0\r\n${lines}`,
      `POST / HTTP/1.1\r\n${lines}`,
    ]);
    expect(log.map((line) => line.slice(0, 3))).toEqual(['', '400', ''].map((status) => status || ' | '));
    const noHost = [request('1.0', ''), request('1.1', ''), request('1.0', '')];
    expect((await serve(noHost)).map((line) => line.slice(0, 3))).toEqual(['200', '400', '200']);
  });

  it('is never found in a part of itself, nor when it was refused', async () => {
    const whole = request('1.1', 'Host: a\r\n');
    const refused = request('1.1', 'Host: a\r\nHost: a\r\n');
    const log = await serve([whole, `${whole}${whole}`, refused, refused, whole]);
    expect(log.map((line) => line.slice(0, 3))).toEqual(['200', '200', '400', '400', '200']);
  });
});

it('a field section that was refused is not remembered in memory that the next head takes', async () => {
  const targets: string[] = [];
  const protocol = http(async (req, res) => {
    targets.push(`${req.target} ${await req.body.text()}`);
    res.end();
  });
  const padding = `X: ${'x'.repeat(100)}\r\n`;
  new FakeConnection(protocol).receive(`GET /1 HTTP/1.1\r\nY: 123456789012345678901\r\n${padding}\r\n`);
  const next = new FakeConnection(protocol);
  next.receive(`GET /2 HTTP/1.1\r\nHost:a\r\nContent-Length:1\r\n${padding}\r\n`).receive('b');
  await settled();
  expect(targets).toEqual(['/2 b']);
  expect(parseAnswers(next.take())).toMatchObject([{ status: 200 }]);
});

it('a request that is held keeps its head when another connection sends a broken one', async () => {
  const kept: Request[] = [];
  const protocol = http((req, res) => {
    kept.push(req);
    res.end();
  });
  new FakeConnection(protocol).receive('GET /kept HTTP/1.1\r\nHost: a\r\n\r\n');
  new FakeConnection(protocol).receive('\rXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXX');
  new FakeConnection(protocol).receive('DELETE /other HTTP/1.1\r\nHost').receive(': b\r\n\r\n');
  expect(kept.map(({ target, headers }) => [target, headers.get('host')])).toEqual([
    ['/kept', 'a'],
    ['/other', 'b'],
  ]);
});
