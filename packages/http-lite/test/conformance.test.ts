import { testProtocol } from '@sluice/reactor/testing';
import { describe, test } from 'vitest';
import { type HttpHandler, http } from '../src/index.ts';
import { settled } from './replay.ts';

/** Answers at once, later, in pieces, or with what the request brought, as the target says. */
const handler: HttpHandler = async (req, res) => {
  if (req.target === '/later') await settled();
  if (req.target === '/throws') throw new Error('on purpose');
  if (req.method === 'POST') return res.end(await req.body.bytes());
  if (req.target !== '/pieces') return res.end(`you asked for ${req.target}`);
  for (const piece of ['one, ', 'two, ', 'three']) await res.write(piece);
  res.end();
};

const get = (target: string, more = '') => `GET ${target} HTTP/1.1\r\nHost: a\r\n${more}\r\n`;
const post = (body: string) => `POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${body.length}\r\n\r\n${body}`;

describe('http-lite', () => {
  testProtocol({
    test,
    protocol: () => http(handler, { onError: () => {} }),
    scripts: [
      { name: 'one request', input: get('/') },
      { name: 'a request that closes', input: get('/', 'Connection: close\r\n') + get('/never') },
      { name: 'pipelined requests', input: get('/1') + get('/later') + get('/pieces') + get('/2') },
      { name: 'a body', input: post('with a body') + get('/after') },
      {
        name: 'a chunked body',
        input:
          'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n3;x=y\r\n, w\r\n0\r\nA: b\r\n\r\n',
      },
      { name: 'a handler that throws', input: get('/throws') + get('/after') },
      { name: 'garbage', input: 'NOT HTTP AT ALL\r\n\r\n' },
    ],
    normalize: (output) => output.replace(/^date: .*\r\n/gim, ''),
  });
});
