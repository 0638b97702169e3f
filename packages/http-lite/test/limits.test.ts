/** Every limit: where it lies, what is answered beyond it, and that it is counted. */
import {
  DEFAULT_HTTP_LIMITS,
  HTTP_REQUEST_ERROR_STATUS,
  type HttpHandler,
  type HttpLimitName,
  type HttpLimits,
  HttpRequestError,
  type HttpRequestErrorCode,
  http,
} from '@sluice/http-lite';
import { UsageError } from '@sluice/reactor';
import { describe, expect, it } from 'vitest';
import { parseAnswers } from './answers.ts';
import { FakeConnection } from './fake-connection.ts';
import { settled } from './replay.ts';

const HOST = 'Host: a\r\n';
const CHUNKED = `POST / HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n`;
const get = (lines = '', target = '/') => `GET ${target} HTTP/1.1\r\n${HOST}${lines}\r\n`;
const post = (body: string) => `POST / HTTP/1.1\r\n${HOST}Content-Length: ${body.length}\r\n\r\n${body}`;

const echo: HttpHandler = async (req, res) => res.end(await req.body.text());

async function serve(wire: string, limits: Partial<HttpLimits>, handler: HttpHandler = echo) {
  const errors: unknown[] = [];
  const protocol = http(handler, { limits, onError: (error) => errors.push(error) });
  const connection = new FakeConnection(protocol).receive(wire);
  await settled();
  return { connection, errors, stats: protocol.stats(), answers: parseAnswers(connection.take()) };
}

/** What is just within a limit, what is just beyond it, and what becomes of that. */
const refusals: [
  name: HttpLimitName,
  value: number,
  within: string,
  beyond: string,
  code: HttpRequestErrorCode,
  message: string,
][] = [
  [
    'headBytes',
    200,
    get(`X: ${'x'.repeat(200 - get('X: \r\n').length)}\r\n`),
    get(`X: ${'x'.repeat(201 - get('X: \r\n').length)}\r\n`),
    'ERR_HTTP_HEAD_TOO_LARGE',
    'a request head may have 200 bytes',
  ],
  [
    'headBytes',
    200,
    get('', `/${'x'.repeat(100)}`),
    get('', `/${'x'.repeat(200)}`),
    'ERR_HTTP_TARGET_TOO_LONG',
    'a request line may have 200 bytes',
  ],
  [
    'headerCount',
    3,
    get('X: 1\r\nX: 2\r\n'),
    get('X: 1\r\nX: 2\r\nX: 3\r\n'),
    'ERR_HTTP_HEAD_TOO_LARGE',
    'at most 3 header lines are accepted',
  ],
  [
    'targetBytes',
    10,
    get('', '/123456789'),
    get('', '/1234567890'),
    'ERR_HTTP_TARGET_TOO_LONG',
    'a target may have 10 bytes',
  ],
  [
    'bodyBytes',
    5,
    post('12345'),
    post('123456'),
    'ERR_HTTP_BODY_TOO_LARGE',
    'a request body may have 5 bytes',
  ],
  [
    'bodyBytes',
    5,
    `${CHUNKED}5\r\n12345\r\n0\r\n\r\n`,
    `${CHUNKED}5\r\n12345\r\n1\r\n6\r\n0\r\n\r\n`,
    'ERR_HTTP_BODY_TOO_LARGE',
    'a request body may have 5 bytes',
  ],
  [
    'collectBytes',
    5,
    post('12345'),
    post('123456'),
    'ERR_HTTP_BODY_TOO_LARGE',
    'the body exceeds the 5 bytes that are collected; iterate it, or raise the limit',
  ],
  [
    'chunkOverheadBytes',
    8,
    `${CHUNKED}1;234567\r\nx\r\n0\r\n\r\n`,
    `${CHUNKED}1;23456789\r\nx\r\n0\r\n\r\n`,
    'ERR_HTTP_CHUNK',
    'there are too many chunk extensions (RFC 9112 §7.1)',
  ],
  [
    'chunkOverheadBytes',
    8,
    `${CHUNKED}0\r\nA: b\r\n\r\n`,
    `${CHUNKED}0\r\nAbcd: efgh\r\n\r\n`,
    'ERR_HTTP_HEAD_TOO_LARGE',
    'a trailer section may have 8 bytes',
  ],
];

describe('what exceeds a limit is refused with its status, counted, and closes the connection', () => {
  for (const [name, value, within, beyond, code, message] of refusals) {
    it(`${name}: ${message}`, async () => {
      const limits = { [name]: value };
      const fine = await serve(within, limits);
      expect(fine.answers).toMatchObject([{ status: 200 }]);
      expect(fine.stats.limited[name]).toBe(0);

      const refused = await serve(beyond + get(), limits);
      const status = HTTP_REQUEST_ERROR_STATUS[code];
      expect(refused.answers[0]).toMatchObject({ status });
      expect(Buffer.from(refused.answers[0]?.body ?? '', 'latin1').toString()).toMatch(`: ${message}\n`);
      expect(refused.errors).toEqual([]);
      expect(refused.stats.refused).toEqual({ [code]: 1 });
      expect(refused.stats.limited[name]).toBe(1);
      const total = Object.values(refused.stats.limited).reduce((sum, count) => sum + count, 0);
      expect(total).toBe(1);
    });
  }

  it('and a reader of the body gets that error, with the name of the limit', async () => {
    let failure: unknown;
    await serve(`${CHUNKED}6\r\n123456\r\n0\r\n\r\n`, { bodyBytes: 5 }, async (req) => {
      await req.body.text().catch((error) => {
        failure = error;
      });
    });
    expect(failure).toBeInstanceOf(HttpRequestError);
    expect(failure).toMatchObject({ code: 'ERR_HTTP_BODY_TOO_LARGE', status: 413, limit: 'bodyBytes' });
  });
});

describe('requestsPerConnection', () => {
  const end: HttpHandler = (req, res) => res.end(req.target);

  it('closes with the answer to the last one, and never reads what is behind it', async () => {
    const { answers, connection, stats } = await serve(get().repeat(5), { requestsPerConnection: 3 }, end);
    expect(answers.map(({ headers }) => headers['connection'])).toEqual([undefined, undefined, 'close']);
    expect(connection.calls).toEqual(['close']);
    expect(stats).toMatchObject({ requests: 3, limited: { requestsPerConnection: 1 } });
  });

  it('of 1 answers HTTP/1.0 with the close as well, whatever that asked for', async () => {
    const wire = 'GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n';
    const { answers } = await serve(wire, { requestsPerConnection: 1 }, end);
    expect(answers).toMatchObject([{ headers: { connection: 'close' } }]);
  });

  it('is not what closed a connection that the peer wanted closed', async () => {
    const { stats } = await serve(get('Connection: close\r\n'), { requestsPerConnection: 1 }, end);
    expect(stats.limited.requestsPerConnection).toBe(0);
  });
});

describe('limits that pause the connection, or let go of it, are counted', () => {
  it('pipelineBytes', async () => {
    const { connection, stats } = await serve(get().repeat(10), { pipelineBytes: 100 }, () => {});
    expect(connection.calls).toEqual(['pause']);
    expect(stats.limited.pipelineBytes).toBe(1);
  });

  it('bodyBufferBytes', async () => {
    const { connection, stats } = await serve(
      post('x'.repeat(1_000)).slice(0, -1),
      { bodyBufferBytes: 100 },
      () => {},
    );
    expect(connection.calls).toEqual(['pause']);
    expect(stats.limited.bodyBufferBytes).toBe(1);
  });

  it('discardBytes, of a length that is announced and of one that is not', async () => {
    const end: HttpHandler = (_req, res) => res.end();
    const announced = await serve(post('x'.repeat(101)).slice(0, -50), { discardBytes: 100 }, end);
    expect(announced.connection.calls).toEqual(['close']);
    expect(announced.stats.limited.discardBytes).toBe(1);
    const wire = `${CHUNKED}65\r\n${'x'.repeat(101)}\r\n`;
    const found = await serve(wire, { discardBytes: 100 }, end);
    expect(found.connection.calls).toEqual(['close']);
    expect(found.stats.limited.discardBytes).toBe(1);
  });
});

describe('stats()', () => {
  it('counts requests, answers, what was refused by handlers, and what failed', async () => {
    const handler: HttpHandler = (req, res) => {
      if (req.target === '/throws') throw new Error('boom');
      if (req.target === '/refuses') throw new HttpRequestError('ERR_HTTP_EXPECTATION', 'no');
      if (req.target === '/never') return;
      res.end();
    };
    const protocol = http(handler, { onError: () => {} });
    const wire = ['/', '/throws', '/refuses', '/never'].map((target) => get('', target)).join('');
    const connection = new FakeConnection(protocol).receive(wire);
    expect(protocol.stats()).toMatchObject({
      requests: 4,
      answers: 3,
      aborted: 0,
      handlerErrors: 1,
      refused: { ERR_HTTP_EXPECTATION: 1 },
    });
    connection.reset();
    expect(protocol.stats()).toMatchObject({ requests: 4, answers: 3, aborted: 1 });
  });

  it('is a copy, over all connections of the protocol', () => {
    const protocol = http((_req, res) => res.end());
    const before = protocol.stats();
    new FakeConnection(protocol).receive(get());
    new FakeConnection(protocol).receive('garbage\r\n\r\n');
    expect(before).toMatchObject({ requests: 0, answers: 0, refused: {} });
    expect(protocol.stats()).toMatchObject({
      requests: 1,
      answers: 2,
      refused: { ERR_HTTP_REQUEST_LINE: 1 },
    });
  });

  it('has a count for each limit, and for no other name', () => {
    const { bodyRateWindowMs: _, ...limits } = DEFAULT_HTTP_LIMITS;
    const { limited } = http(() => {}).stats();
    expect(Object.keys(limited).sort()).toEqual(Object.keys(limits).sort());
    expect(new Set(Object.values(limited))).toEqual(new Set([0]));
  });
});

describe('the options', () => {
  const make = (limits: object) => () => http(() => {}, { limits });

  it('take what the defaults are, infinite ones included', () => {
    expect(make(DEFAULT_HTTP_LIMITS)).not.toThrow();
  });

  it('are refused when they are unknown or out of range', () => {
    expect(make({ headTimeout: 5 })).toThrow(
      expect.objectContaining({
        code: 'ERR_UNKNOWN_OPTION',
        message: expect.stringMatching('headTimeoutMs'),
      }),
    );
    const wrong: [string, unknown][] = [
      ['headBytes', 127],
      ['headBytes', 1024 * 1024 + 1],
      ['headTimeoutMs', -1],
      ['headTimeoutMs', Number.POSITIVE_INFINITY],
      ['bodyTimeoutMs', 0.5],
      ['minBodyBytesPerSecond', '240'],
      ['bodyRateWindowMs', 0],
      ['keepAliveTimeoutMs', Number.NaN],
      ['requestsPerConnection', 0],
      ['pipelinedRequests', 0],
    ];
    for (const [name, value] of wrong) {
      expect(make({ [name]: value }), name).toThrow(UsageError);
      expect(make({ [name]: value }), name).toThrow(
        expect.objectContaining({
          code: 'ERR_OPTION_VALUE',
          message: expect.stringMatching(`limits.${name}`),
        }),
      );
    }
  });
});
