import { http } from '@sluice/http-lite';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { parseAnswers } from './answers.ts';
import { FakeConnection } from './fake-connection.ts';
import { settled } from './replay.ts';

interface Exchange {
  readonly method: string;
  readonly target: string;
  readonly headers: readonly (readonly [string, string])[];
  /** Undefined: no body. The pieces become chunks when `chunked`. */
  readonly body: readonly string[] | undefined;
  readonly chunked: boolean;
}

const TOKEN = "!#$%&'*+-.^_`|~0123456789ABCXYZabcxyz";
const characters = (set: string, minLength: number, maxLength: number) =>
  fc.string({ unit: fc.constantFrom(...set), minLength, maxLength });
const FRAMING = /^(?:host|content-length|transfer-encoding|connection|expect|upgrade)$/i;

const name = characters(TOKEN, 1, 20).filter((text) => !FRAMING.test(text));
const value = characters('abc XYZ\t"\\,;:=\x80\xe9\xff', 0, 40).map((text) =>
  text.replace(/^[ \t]+|[ \t]+$/g, ''),
);
const piece = characters('ab\r\n\0\xff5GET /', 1, 50);

const exchange: fc.Arbitrary<Exchange> = fc.record({
  method: characters(TOKEN, 1, 12).filter((text) => text !== 'CONNECT' && text !== 'HEAD'),
  target: characters('abc?&=%2F{}|"<>[]\'~', 0, 60).map((text) => `/${text}`),
  headers: fc.array(fc.tuple(name, value), { maxLength: 8 }),
  body: fc.option(fc.array(piece, { minLength: 1, maxLength: 5 }), { nil: undefined }),
  chunked: fc.boolean(),
});

function serialise({ method, target, headers, body, chunked }: Exchange): string {
  const lines = headers.map(([key, text]) => `${key}:${text}\r\n`).join('');
  const head = `${method} ${target} HTTP/1.1\r\nHost: a\r\n${lines}`;
  if (body === undefined) return `${head}\r\n`;
  if (!chunked) return `${head}Content-Length: ${body.join('').length}\r\n\r\n${body.join('')}`;
  const chunks = body.map((text) => `${text.length.toString(16)}\r\n${text}\r\n`).join('');
  return `${head}Transfer-Encoding: chunked\r\n\r\n${chunks}0\r\n\r\n`;
}

it('requests that are serialised and cut anywhere are read back as they were, and answered in order', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(exchange, { minLength: 1, maxLength: 4 }),
      fc.array(fc.nat(4000), { maxLength: 12 }),
      fc.boolean(),
      async (exchanges, cuts, answerAtOnce) => {
        const seen: Exchange[] = [];
        const protocol = http(async (req, res) => {
          if (!answerAtOnce) await undefined;
          const headers = [...req.headers].slice(1).filter(([key]) => !FRAMING.test(key));
          const body = req.hasBody ? (await req.body.bytes()).toString('latin1') : undefined;
          const chunked = req.headers.has('transfer-encoding');
          seen.push({
            method: req.method,
            target: req.target,
            headers,
            body: body === undefined ? body : [body],
            chunked,
          });
          res.end(String(seen.length));
        });
        const connection = new FakeConnection(protocol);
        const wire = exchanges.map(serialise).join('');
        let from = 0;
        for (const cut of [...cuts, wire.length].sort((a, b) => a - b)) {
          if (cut > from && cut <= wire.length) connection.receive(wire.slice(from, cut));
          from = Math.max(from, Math.min(cut, wire.length));
        }
        for (let turn = 0; turn < 3; turn++) await settled();
        const sent = exchanges.map(({ body, chunked, ...rest }) => ({
          ...rest,
          body: body === undefined ? undefined : [body.join('')],
          chunked: body !== undefined && chunked,
        }));
        expect(seen).toEqual(sent);
        expect(parseAnswers(connection.take()).map(({ body }) => body)).toEqual(
          exchanges.map((_, index) => `${index + 1}`),
        );
        expect(connection.calls).toEqual([]);
      },
    ),
    { numRuns: 500 },
  );
});

it('whatever arrives, nothing throws and what is sent is made of whole answers', async () => {
  const fragment = fc.oneof(
    exchange.map(serialise),
    fc.constantFrom(
      'GET / HTTP/1.1\r\n',
      'Host: a\r\n',
      '\r\n',
      'Content-Length: 5\r\n',
      'Transfer-Encoding: chunked\r\n',
      '5\r\nhello\r\n',
      '0\r\n\r\n',
    ),
    characters('aG /:\r\n\0\xff5', 0, 12),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(fragment, { maxLength: 8 }), async (fragments) => {
      const errors: unknown[] = [];
      const protocol = http(
        async (req, res) => {
          await req.body.bytes();
          res.end('ok');
        },
        { onError: (error) => errors.push(error) },
      );
      const connection = new FakeConnection(protocol);
      for (const text of fragments) connection.receive(text);
      await settled();
      connection.receiveEnd();
      await settled();
      const statuses = parseAnswers(connection.take()).map(({ status }) => status);
      expect(statuses.slice(0, -1).every((status) => status === 200)).toBe(true);
      expect(errors).toEqual([]);
      expect(connection.lifecycle).toBe('closed');
    }),
    { numRuns: 1000 },
  );
});

it('what a protocol has seen before never changes how it reads a request', async () => {
  const long = 'x'.repeat(60);
  const line = fc.constantFrom(
    'Host: a\r\n',
    'Host: b\r\n',
    'Content-Length: 3\r\n',
    'Content-Length: 4\r\n',
    'Content-Length: -\r\n',
    'Transfer-Encoding: chunked\r\n',
    'Connection: close\r\n',
    'Connection: cl0se\r\n',
    `X: ${long}\r\n`,
    `Y: ${long}\r\n`,
  );
  const wire = fc.tuple(
    fc.constantFrom('1.0', '1.1'),
    fc.array(line, { maxLength: 4 }),
    fc.constantFrom('', 'abc', 'abcd'),
  );
  const make = () =>
    http(async (req, res) => {
      res.end(`${JSON.stringify([...req.headers])} ${req.httpVersion} ${await req.body.text()}`);
    });
  const outcome = async (protocol: ReturnType<typeof make>, head: string, body: string) => {
    const connection = new FakeConnection(protocol).receive(head);
    if (body !== '') connection.receive(body);
    await settled();
    const answers = parseAnswers(connection.take()).map(({ status, body }) => `${status} ${body}`);
    return [...answers, ...connection.calls];
  };
  await fc.assert(
    fc.asyncProperty(fc.array(wire, { minLength: 2, maxLength: 12 }), async (requests) => {
      const shared = make();
      for (const [version, lines, body] of requests) {
        const head = `POST / HTTP/${version}\r\n${lines.join('')}\r\n`;
        expect(await outcome(shared, head, body)).toEqual(await outcome(make(), head, body));
      }
    }),
    { numRuns: 300 },
  );
});
