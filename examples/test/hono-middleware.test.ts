/** Hono's own middleware around what `@sluice/http-lite` gives it: files, refused bodies, and light answers. */
import { readdirSync, readlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type FetchContext, fileResponse, http, LightResponse } from '@sluice/http-lite';
import { createReactor, type Reactor } from '@sluice/reactor';
import { Hono } from 'hono';
import { compress } from 'hono/compress';
import { cors } from 'hono/cors';
import { etag } from 'hono/etag';
import { secureHeaders } from 'hono/secure-headers';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { temporaryFolder } from './support/temporary-folder.ts';

const TEXT = '0123456789'.repeat(1000);
const Platform = globalThis.Response;

let reactor: Reactor;
let folder: string;
/** What Hono, or our server, has reported. */
let reported: unknown[];

beforeEach(() => {
  folder = temporaryFolder();
  writeFileSync(join(folder, 'a.txt'), TEXT);
  utimesSync(join(folder, 'a.txt'), 1_500_000_000, 1_500_000_000);
  reported = [];
  vi.spyOn(console, 'error').mockImplementation((...said: unknown[]) => void reported.push(said));
  reactor = createReactor({ poisonReads: true });
});

afterEach(async () => {
  globalThis.Response = Platform;
  vi.restoreAllMocks();
  await reactor.shutdown({ deadlineMs: 0 });
  expect(reported).toEqual([]);
});

function filesOpen(): number {
  return readdirSync('/proc/self/fd').filter((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`).startsWith(folder);
    } catch {
      return false;
    }
  }).length;
}

async function serve(): Promise<string> {
  const app = new Hono<{ Bindings: FetchContext }>();
  app.use('/fields/*', secureHeaders(), cors(), async (c, next) => {
    await next();
    c.header('x-after', '1');
  });
  app.use('/small/*', compress());
  app.use('/tagged/*', etag());
  for (const path of ['', '/fields', '/small', '/tagged']) {
    app.get(`${path}/file`, () => fileResponse(join(folder, 'a.txt')));
    app.get(`${path}/text`, (c) => c.text(TEXT));
    app.get(`${path}/missing`, () => fileResponse(join(folder, 'missing')));
  }
  app.post('/echo', async (c) => c.text(await c.req.text()));
  app.post('/json', async (c) => c.json(await c.req.json()));
  const protocol = http.fetch(app.fetch, { limits: { collectBytes: 10 } });
  const server = await reactor.listen({ port: 0, host: '127.0.0.1' }, protocol);
  return `http://127.0.0.1:${server.address()?.port}`;
}

describe.each([
  ['the platform’s', Platform],
  ['light ones', LightResponse],
])('Hono whose answers are %s', (_which, Response) => {
  beforeEach(() => {
    globalThis.Response = Response;
  });

  it.each(['', '/fields', '/small', '/tagged'])('serves files and text whole behind %s', async (path) => {
    const origin = await serve();
    for (const what of ['file', 'text']) {
      const answer = await fetch(`${origin}${path}/${what}`);
      expect(await answer.text()).toBe(TEXT);
      expect(answer.status).toBe(200);
      expect(answer.headers.get('content-type')).toMatch(/^text\/plain; ?charset=utf-8$/i);
      expect(answer.headers.get('x-after')).toBe(path === '/fields' ? '1' : null);
      expect(answer.headers.get('content-encoding')).toBe(path === '/small' ? 'gzip' : null);
    }
    expect(filesOpen()).toBe(0);
  });

  it('keeps a file a file behind middleware that sets fields, for ranges and tags', async () => {
    const origin = await serve();
    for (const path of ['', '/fields']) {
      const part = await fetch(`${origin}${path}/file`, { headers: { range: 'bytes=-3' } });
      expect([part.status, await part.text()]).toEqual([206, '789']);
      const tag = part.headers.get('etag') ?? '';
      const known = await fetch(`${origin}${path}/file`, { headers: { 'if-none-match': tag } });
      expect([known.status, await known.text()]).toEqual([304, '']);
    }
  });

  it('answers a file that is not there with 404, and a body that is too long with 413', async () => {
    const origin = await serve();
    for (const path of ['', '/fields', '/small', '/tagged']) {
      const missing = await fetch(`${origin}${path}/missing`);
      expect([missing.status, await missing.text()]).toEqual([404, '404 Not Found\n']);
    }
    const post = (path: string, body: string) => fetch(origin + path, { method: 'POST', body });
    expect(await (await post('/echo', '1234567890')).text()).toBe('1234567890');
    expect(await (await post('/json', '{"a":1}')).json()).toEqual({ a: 1 });
    for (const path of ['/echo', '/json']) {
      const refused = await post(path, '12345678901');
      expect(refused.status).toBe(413);
      expect(await refused.text()).toMatch(/^413 Content Too Large: the body exceeds the 10 bytes/);
    }
  });
});
