/** nginx and haproxy in front of us, plain and with TLS between: what passes, and on how few connections. */
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import type { HttpHandler, HttpLimits, HttpRequest } from '@sluice/http-lite';
import { needsTool } from '@sluice-internal/foreign-programs';
import { beforeEach, describe, expect, it } from 'vitest';
import { type HttpServer, type Scheme, startHttp } from './support/http-server.ts';
import { keystream } from './support/keystream.ts';
import { collect, ProxyClient } from './support/proxy-client.ts';
import { haproxyMajorVersion, PROXIES, type ProxyName, startProxy } from './support/reverse-proxy.ts';
import { runTool } from './support/run-tool.ts';

const MEBIBYTE = 1024 * 1024;
const BODY = [...keystream(8 * MEBIBYTE)];
const WHOLE = Buffer.concat(BODY);
const sha256 = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');

const CELLS = PROXIES.flatMap((name) =>
  (['http', 'https'] as const).map((scheme) => [name, scheme] as const),
);

describe.each<readonly [ProxyName, Scheme]>(CELLS)('%s in front of us over %s', (name, scheme) => {
  beforeEach((context) => needsTool(context, name));

  async function begin(
    handler: HttpHandler,
    limits: Partial<HttpLimits> = {},
  ): Promise<HttpServer & { front: string; client: ProxyClient }> {
    const served = await startHttp(handler, { scheme, limits });
    const front = await startProxy(name, scheme, [served.address]);
    return { ...served, front, client: new ProxyClient(front) };
  }

  it('sends a thousand requests of one client on one connection', async () => {
    const { client, reactor, protocol } = await begin((req, res) => res.end(req.target));
    for (let n = 0; n < 1000; n += 1) {
      expect(await client.ask({ path: `/${n}` })).toMatchObject({ status: 200, body: Buffer.from(`/${n}`) });
    }
    expect(protocol.stats()).toMatchObject({ requests: 1000, answers: 1000, aborted: 0 });
    expect(reactor.stats().accepted).toBe(1);
  });

  it('carries the load of h2load, pipelines of its clients included, on a few connections', async (context) => {
    needsTool(context, 'h2load');
    const { front, reactor, protocol } = await begin((req, res) => res.end(req.target));
    const [requests, clients] = [4000, 16];
    const load = ['--h1', `-n${requests}`, `-c${clients}`, '-m4', '-B', `unix:${front}`, 'http://localhost/'];
    const printed = await runTool('h2load', load);
    expect(printed).toContain(`${requests} succeeded, 0 failed, 0 errored, 0 timeout`);
    expect(printed).toMatch(/ 2xx, 0 3xx, 0 4xx, 0 5xx$/m);
    expect(protocol.stats()).toMatchObject({ requests, answers: requests, aborted: 0, refused: {} });
    const { accepted } = reactor.stats();
    expect(accepted).toBeLessThanOrEqual(2 * clients);
    await context.annotate(`${requests} requests on ${accepted} connections`);
  });

  it.each(['with its length', 'chunked'])('passes a body up, %s', async (how) => {
    const framing = (req: HttpRequest) => [
      req.headers.get('content-length'),
      req.headers.get('transfer-encoding'),
    ];
    const { client } = await begin(async (req, res) => {
      const hash = createHash('sha256');
      for await (const piece of req.body) hash.update(piece);
      res.end(JSON.stringify([...framing(req), hash.digest('hex')]));
    });
    const isChunked = how === 'chunked';
    for (const method of ['POST', 'PUT']) {
      const { status, body } = await client.ask({ method }, isChunked ? BODY : WHOLE);
      const expected = isChunked ? [null, 'chunked'] : [`${WHOLE.length}`, null];
      expect([status, JSON.parse(String(body))]).toEqual([200, [...expected, sha256(WHOLE)]]);
    }
  });

  it.for(['with its length', 'chunked'])('passes a body down, %s', async (how, { skip }) => {
    skip(
      name === 'haproxy' && scheme === 'https' && haproxyMajorVersion() < 3,
      'haproxy 2.6 now and then keeps the rest of a record whose beginning its client has got',
    );
    const { client } = await begin(async (_req, res) => {
      if (how === 'chunked') {
        for (const piece of BODY) if (!res.write(piece)) await res.drained();
        return void res.end();
      }
      res.end(WHOLE);
    });
    const { status, headers, body } = await client.ask({});
    expect([status, headers['content-length'], headers['transfer-encoding']]).toEqual(
      how === 'chunked' ? [200, undefined, 'chunked'] : [200, `${WHOLE.length}`, undefined],
    );
    expect(sha256(body)).toBe(sha256(WHOLE));
  });

  it('passes answers that have no body, and keeps the connection', async () => {
    const { client, reactor } = await begin((req, res) => {
      res.setHeader('ETag', '"tag"');
      if (req.path === '/204' || req.path === '/304') res.status = Number(req.path.slice(1));
      else res.setHeader('Content-Length', WHOLE.length);
      res.end();
    });
    for (let round = 0; round < 3; round += 1) {
      expect(await client.ask({ path: '/204' })).toMatchObject({ status: 204, body: Buffer.alloc(0) });
      expect(await client.ask({ path: '/304', headers: { 'If-None-Match': '"tag"' } })).toMatchObject({
        status: 304,
        headers: { etag: '"tag"' },
        body: Buffer.alloc(0),
      });
      expect(await client.ask({ method: 'HEAD' })).toMatchObject({
        status: 200,
        headers: { 'content-length': `${WHOLE.length}` },
        body: Buffer.alloc(0),
      });
    }
    expect(reactor.stats().accepted).toBe(1);
  });

  it(`${name === 'nginx' ? 'drops' : 'passes'} trailer fields, both ways`, async () => {
    const { client } = await begin(async (req, res) => {
      const text = await req.body.text();
      res.setHeader('Trailer', 'X-Sum').write(`${text} ${req.trailers.get('x-sum')}`);
      res.setTrailer('X-Sum', '42').end();
    });
    const outgoing = client.begin({ method: 'POST', headers: { Trailer: 'X-Sum' } });
    const answer = collect(outgoing);
    outgoing.write('text');
    outgoing.addTrailers({ 'X-Sum': '6' });
    outgoing.end();
    const { body, trailers } = await answer;
    expect([String(body), trailers]).toEqual(
      name === 'nginx' ? ['text undefined', {}] : ['text 6', { 'x-sum': '42' }],
    );
  });

  it('passes 100 Continue, or answers for us, before the body comes', async () => {
    const { client } = await begin(async (req, res) =>
      res.end(`${req.headers.get('expect')} ${await req.body.text()}`),
    );
    const outgoing = client.begin({
      method: 'POST',
      headers: { Expect: '100-continue', 'Content-Length': 4 },
    });
    const answer = collect(outgoing);
    outgoing.flushHeaders();
    await once(outgoing, 'continue');
    outgoing.end('body');
    // nginx says it itself and keeps the expectation from us; haproxy hands both on.
    expect(String((await answer).body)).toBe(name === 'nginx' ? 'undefined body' : '100-continue body');
  });

  it.each(['waits', 'goes on'])('passes the refusal of a body to a client that %s', async (how) => {
    const { client } = await begin((_req, res) => {
      res.status = 403;
      res.end('no');
    });
    for (let round = 0; round < 10; round += 1) {
      const outgoing = client.begin({ method: 'POST', headers: { 'Content-Length': WHOLE.length } });
      // Whoever has refused it need not take the rest.
      outgoing.on('error', () => {});
      const answer = collect(outgoing);
      if (how === 'waits') outgoing.write(BODY[0]);
      else outgoing.end(WHOLE);
      expect(await answer).toMatchObject({ status: 403, body: Buffer.from('no') });
      outgoing.destroy();
    }
  });

  it('passes events one by one, and tells us when the client leaves', async () => {
    let say = (_text: string) => {};
    let left: Promise<unknown> | undefined;
    let isLeft = false;
    const { client } = await begin(async (req, res) => {
      left = once(req.signal, 'abort').then(() => {
        isLeft = true;
      });
      res.setHeader('Content-Type', 'text/event-stream');
      res.write('retry: 1000\n\n');
      say = (text) => res.write(`data: ${text}\n\n`);
      await left;
    });
    const outgoing = client.begin({ headers: { Accept: 'text/event-stream' } }).end();
    const [message] = (await once(outgoing, 'response')) as [AsyncIterable<Buffer>];
    const pieces = message[Symbol.asyncIterator]();
    const next = async () => {
      let event = '';
      while (!event.endsWith('\n\n')) event += String((await pieces.next()).value);
      return event;
    };
    expect(await next()).toBe('retry: 1000\n\n');
    for (let n = 0; n < 20; n += 1) {
      // Each is said when the one before it has come: whoever waits for more of them waits for ever.
      say(`event ${n}`);
      expect(await next()).toBe(`data: event ${n}\n\n`);
    }
    outgoing.on('error', () => {});
    outgoing.destroy();
    // Some notice only when there is something to pass on.
    while (!isLeft) {
      say('anybody?');
      await new Promise((resolve) => setImmediate(resolve));
    }
    await left;
  });
});
