import { type HttpRequest, http } from '@sluice/http-lite';
import { describe, expect, it, vi } from 'vitest';
import { parseAnswers } from './answers.ts';
import { FakeConnection } from './fake-connection.ts';
import { settled } from './replay.ts';

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
  const kept: HttpRequest[] = [];
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

it('a head becomes text when it is asked for, and only then', () => {
  const texts = vi.spyOn(Buffer.prototype, 'latin1Slice');
  const wire = 'GET /a HTTP/1.1\r\nHost: a\r\nX: y\r\n\r\n';
  const silent = http((_req, res) => res.end());
  const curious = http((req, res) => {
    expect([req.target, req.headers.get('x'), ...req.headers]).toEqual([
      '/a',
      'y',
      ['Host', 'a'],
      ['X', 'y'],
    ]);
    res.end();
  });
  const first = new FakeConnection(silent);
  const second = new FakeConnection(curious);
  texts.mockClear();
  first.receive(wire);
  expect(texts).not.toHaveBeenCalled();
  second.receive(wire);
  expect(texts).toHaveBeenCalledTimes(1);
  texts.mockRestore();
});
