import { http } from '@sluice/http-lite';
import { describe, expect, it } from 'vitest';
import { FakeConnection } from './fake-connection.ts';

/** Path, and query as pairs, of a request with that target. */
function partsOf(target: string, method = 'GET'): [path: string, query: [string, string][]] {
  let parts: [string, [string, string][]] | undefined;
  const protocol = http((req, res) => {
    parts = [req.path, [...req.query]];
    expect(req.query).toBe(req.query);
    expect(req.target).toBe(target);
    res.end();
  });
  new FakeConnection(protocol).receive(`${method} ${target} HTTP/1.1\r\nHost: a\r\n\r\n`);
  if (parts === undefined) throw new Error(`${target} did not reach the handler`);
  return parts;
}

describe('path and query of a target', () => {
  const targets: Record<string, ReturnType<typeof partsOf>> = {
    '/': ['/', []],
    '/a/b': ['/a/b', []],
    '/a?': ['/a', []],
    '/a?b=1&b=2&c': [
      '/a',
      [
        ['b', '1'],
        ['b', '2'],
        ['c', ''],
      ],
    ],
    '/a?b=c?d=e': ['/a', [['b', 'c?d=e']]],
    '/?u=http://x/': ['/', [['u', 'http://x/']]],
    '/a?b=c+d%20e%2Bf': ['/a', [['b', 'c d e+f']]],
    '/a%2Fb/../c//d': ['/a%2Fb/../c//d', []],
    '//host/path': ['//host/path', []],
    '/%zz?%zz=%': ['/%zz', [['%zz', '%']]],
    'http://a': ['/', []],
    'http://a?b=/c': ['/', [['b', '/c']]],
    'HTTPS://a:443/b?c=d': ['/b', [['c', 'd']]],
    'http://a/http://b/c': ['/http://b/c', []],
  };
  for (const [target, parts] of Object.entries(targets)) {
    it(`are found in ${target}`, () => {
      expect(partsOf(target)).toEqual(parts);
    });
  }

  it('are an asterisk and nothing for OPTIONS *', () => {
    expect(partsOf('*', 'OPTIONS')).toEqual(['*', []]);
  });
});
