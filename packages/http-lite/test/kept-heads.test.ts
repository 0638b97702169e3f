import { http } from '@sluice/http-lite';
import { describe, expect, it } from 'vitest';
import { keptHead } from '../src/response/kept-heads.ts';
import { FakeConnection } from './fake-connection.ts';

describe('a head of an answer', () => {
  const start = 'HTTP/1.1 200 OK\r\nX: é\r\n';
  const end = 'Content-Length: 5\r\n\r\n';

  it('is kept as bytes from the second time on', () => {
    expect(keptHead(start, end, 5)).toBeUndefined();
    const kept = keptHead(start, end, 5);
    expect(kept?.toString('latin1')).toBe(start + end);
    expect(keptHead(start, end, 5)).toBe(kept);
  });

  it('is another when a character of it differs, and makes room for that', () => {
    keptHead(start, end, 5);
    expect(keptHead(start.replace('é', 'e'), end, 5)).toBeUndefined();
    expect(keptHead(start, end, 5)).toBeUndefined();
    expect(keptHead(start, end, 5)).toBeDefined();
  });

  it('of more than a KiB is not kept', () => {
    const long = `${start}Y: ${'y'.repeat(1024)}\r\n`;
    for (const _time of [1, 2, 3]) expect(keptHead(long, end, 6)).toBeUndefined();
  });
});

it('answers are the same bytes the first time, the second and the third, whatever comes between', () => {
  const protocol = http((req, res) => {
    res.setHeader('content-type', 'text/plain').setHeader('date', 'today').end(`of ${req.path}`);
  });
  const plain = http((_req, res) => res.setHeader('x', 'ÿ').end('short'));
  const ask = (to: typeof plain, path: string) =>
    new FakeConnection(to).receive(`GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`).take();
  const [first, ...others] = [1, 2, 3].map(
    () => ask(protocol, '/a') + ask(protocol, '/b').replace('/b', '/a'),
  );
  expect(first).toContain('of /a');
  expect(others).toEqual([first, first]);
  const bare = [1, 2, 3, 4].map(() => ask(plain, '/').replace(/Date: [^\r]*/, ''));
  expect(new Set(bare)).toEqual(new Set(['HTTP/1.1 200 OK\r\n\r\nx: ÿ\r\nContent-Length: 5\r\n\r\nshort']));
});

it('an answer to HEAD has the head that one to GET has, and no body', () => {
  const protocol = http((_req, res) => res.setHeader('date', 'today').end('12345'));
  const ask = (method: string) =>
    new FakeConnection(protocol).receive(`${method} / HTTP/1.1\r\nHost: a\r\n\r\n`).take();
  const [get] = [ask('GET'), ask('GET'), ask('GET')];
  for (const _time of [1, 2, 3]) expect(`${ask('HEAD')}12345`).toBe(get);
});
