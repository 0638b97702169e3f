/** `ab`, `h2load --h1` and `wrk`: what each says that it got is what our server says that it gave. No speed is judged. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { HttpHandler } from '@sluice/http-lite';
import { needsTool, startTool } from '@sluice-internal/foreign-programs';
import { beforeEach, describe, expect, it } from 'vitest';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { type HttpServer, type Scheme, startHttp } from './support/http-server.ts';
import { runTool } from './support/run-tool.ts';

const SCHEMES: readonly Scheme[] = ['http', 'https'];
const REQUESTS = 2000;
const CONNECTIONS = 16;
/** More than a segment, a TLS record and a read of ours. */
const BODY = Buffer.alloc(100_000, 'sluice');

/** Counts a body, if there is one, and answers the same length to everybody: `ab` takes another one for a failure. */
const answer: HttpHandler = async (req, res) => {
  let bytes = 0;
  if (req.hasBody) for await (const piece of req.body) bytes += piece.length;
  res.end(String(bytes).padStart(8, '0'));
};

/**
 * All connections have left, every request was answered, and nothing else happened. A client that has said its close_notify and is gone
 * answers ours with a reset: where that leaves in two pieces, as under faults, the second finds it.
 */
async function expectAnswered(served: HttpServer, requests: number): Promise<void> {
  const { left, protocol, reactor } = served;
  await left();
  expect(protocol.stats()).toMatchObject({ requests, answers: requests, aborted: 0, refused: {} });
  const { closedBy } = reactor.stats();
  expect(closedBy).toMatchObject({ timeout: 0, limit: 0, error: 0 });
  if (served.url('/').startsWith('http:')) expect(closedBy.reset).toBe(0);
}

describe.each(SCHEMES)('ab over %s', (scheme) => {
  beforeEach((context) => needsTool(context, 'ab'));

  const load = [`-n${REQUESTS}`, `-c${CONNECTIONS}`, '-q'];

  function expectComplete(printed: string): void {
    expect(printed).toMatch(new RegExp(`^Complete requests: +${REQUESTS}$`, 'm'));
    expect(printed).toMatch(/^Failed requests: +0$/m);
    expect(printed).not.toContain('Non-2xx responses');
  }

  it('has a connection for each request, which HTTP/1.0 ends', async () => {
    const served = await startHttp(answer, { scheme });
    // A handshake for each: a tenth of them is enough.
    const requests = scheme === 'https' ? REQUESTS / 10 : REQUESTS;
    const printed = await runTool('ab', [`-n${requests}`, `-c${CONNECTIONS}`, '-q', served.url('/')]);
    expect(printed).toMatch(new RegExp(`^Complete requests: +${requests}$`, 'm'));
    expect(printed).toMatch(/^Failed requests: +0$/m);
    await expectAnswered(served, requests);
    expect(served.reactor.stats().opened).toBeGreaterThanOrEqual(requests);
  });

  it('keeps its connections of HTTP/1.0 where it asks for that', async () => {
    const served = await startHttp(answer, { scheme });
    const printed = await runTool('ab', [...load, '-k', served.url('/')]);
    expectComplete(printed);
    expect(printed).toMatch(new RegExp(`^Keep-Alive requests: +${REQUESTS}$`, 'm'));
    await expectAnswered(served, REQUESTS);
    expect(served.reactor.stats().accepted).toBe(CONNECTIONS);
  });

  it('posts bodies over them', async () => {
    const served = await startHttp(answer, { scheme });
    const file = join(temporaryFolder(), 'body');
    writeFileSync(file, BODY);
    const post = ['-k', '-p', file, '-T', 'application/octet-stream'];
    expectComplete(await runTool('ab', [...load, ...post, served.url('/')]));
    await expectAnswered(served, REQUESTS);
    expect(served.reactor.stats().bytesReceived).toBeGreaterThan(REQUESTS * BODY.length);
  });
});

describe.each(SCHEMES)('h2load --h1 over %s', (scheme) => {
  beforeEach((context) => needsTool(context, 'h2load'));

  const load = ['--h1', `-n${REQUESTS}`, `-c${CONNECTIONS}`];

  function expectSucceeded(printed: string): void {
    expect(printed).toContain(`${REQUESTS} done, ${REQUESTS} succeeded, 0 failed, 0 errored, 0 timeout`);
    // Its number of 2xx says more: a status whose text comes in two reads is counted for each.
    expect(printed).toMatch(/ 2xx, 0 3xx, 0 4xx, 0 5xx$/m);
    expect(printed).toContain('Application protocol: http/1.1');
  }

  it.each([
    ['one request at a time', ['-m1']],
    ['sixteen in its pipeline', ['-m16']],
  ])('with %s', async (_how, flags) => {
    const served = await startHttp(answer, { scheme });
    const printed = await runTool('h2load', [...load, ...flags, served.url('/')]);
    expectSucceeded(printed);
    await expectAnswered(served, REQUESTS);
    expect(served.reactor.stats().accepted).toBe(CONNECTIONS);
  });

  it('posting bodies', async () => {
    const served = await startHttp(answer, { scheme });
    const file = join(temporaryFolder(), 'body');
    writeFileSync(file, BODY);
    const printed = await runTool('h2load', [...load, '-d', file, served.url('/')]);
    expectSucceeded(printed);
    await expectAnswered(served, REQUESTS);
    expect(served.reactor.stats().bytesReceived).toBeGreaterThan(REQUESTS * BODY.length);
  });
});

describe.each(SCHEMES)('wrk over %s', (scheme) => {
  beforeEach((context) => needsTool(context, 'wrk'));

  const DEPTH = 16;
  /**
   * Asks for /1 to /16 in one write, again and again. Of a single connection it knows which answer is to come next; in
   * the end it prints what it saw.
   */
  const SCRIPT = `
    local seen, wrong = 0, 0
    init = function()
      local pipeline = {}
      for n = 1, ${DEPTH} do pipeline[n] = wrk.format('GET', '/' .. n) end
      requests = table.concat(pipeline)
    end
    request = function() return requests end
    response = function(status, headers, body)
      if status ~= 200 or body ~= 'GET /' .. (seen % ${DEPTH} + 1) then wrong = wrong + 1 end
      seen = seen + 1
      totals = seen .. ' seen, ' .. wrong .. ' wrong'
    end
    local thread
    setup = function(only) thread = only end
    done = function() print(thread:get('totals')) end
  `;

  it.each([1, CONNECTIONS])('pipelines on %i connections', async (connections) => {
    const served = await startHttp((req, res) => res.end(`${req.method} ${req.target}`), { scheme });
    const script = join(temporaryFolder(), 'pipeline.lua');
    writeFileSync(script, SCRIPT);
    const flags = ['-t1', `-c${connections}`, '-d60s', '-s', script];
    const { child, ended } = startTool('wrk', [...flags, served.url('/')]);
    const output = child.stdout.toArray();
    while (served.protocol.stats().requests < REQUESTS) await nextTurn();
    // Interrupted, it tells what it has.
    child.kill('SIGINT');
    expect(await ended).toEqual({ code: 0, stderr: '' });
    const printed = Buffer.concat((await output) as Buffer[]).toString();
    expect(printed).not.toMatch(/Socket errors|Non-2xx/);
    const [, seen, wrong] = /^(\d+) seen, (\d+) wrong$/m.exec(printed) ?? [];
    // The order of answers is known of one connection.
    if (connections === 1) expect(wrong).toBe('0');
    await served.left();
    const { requests, answers, aborted, refused } = served.protocol.stats();
    expect({ answers, aborted, refused }).toEqual({ answers: requests, aborted: 0, refused: {} });
    // It leaves in the middle of its pipelines.
    expect(requests - Number(seen)).toBeGreaterThanOrEqual(0);
    expect(requests - Number(seen)).toBeLessThanOrEqual(connections * DEPTH);
    // It connects once more than it says, to see whether it can.
    expect(served.reactor.stats().accepted).toBe(connections + 1);
  });
});
