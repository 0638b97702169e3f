/** What `curl` can ask, plain and over TLS: methods, a body that waits to be told, a client that takes its time. */
import { createHash, randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { HttpHandler } from '@sluice/http-lite';
import { needsTool, startTool } from '@sluice-internal/foreign-programs';
import { beforeEach, describe, expect, it } from 'vitest';
import { digestOf } from '../support/checksum.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { type HttpServer, type Scheme, startHttp } from './support/http-server.ts';
import { keystream, keystreamDigest } from './support/keystream.ts';
import { runTool } from './support/run-tool.ts';

/** curl asks before it sends that much. Small ones in a PUT are asked for by some versions, unless told not to. */
const LARGE = randomBytes(2 * 1024 * 1024);
/** More than both ends' kernels hold for each other. */
const SLOW_BYTES = 16 * 1024 * 1024;
const QUIET = ['--silent', '--show-error', '--insecure', '--noproxy', '*'];
const digest = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

/** Tells what it was asked, with what expectation, and the digest of what it was sent. */
const tell: HttpHandler = async (req, res) => {
  const asked = [req.method, req.target, req.headers.get('expect') ?? 'nothing'];
  const body = req.hasBody ? digest(await req.body.bytes()) : 'none';
  res.setHeader('Content-Type', 'text/plain');
  res.end([...asked, body].join(' '));
};

function fileOf(bytes: Uint8Array): string {
  const file = join(temporaryFolder(), 'body');
  writeFileSync(file, bytes);
  return file;
}

describe.each<Scheme>(['http', 'https'])('curl over %s', (scheme) => {
  beforeEach((context) => needsTool(context, 'curl'));

  const curl = (served: HttpServer, path: string, ...flags: string[]) =>
    runTool('curl', [...QUIET, ...flags, served.url(path)]);

  it('gets, heads, posts, puts, deletes, and asks for options', async () => {
    const served = await startHttp(tell, { scheme });
    expect(await curl(served, '/a?b=c')).toBe('GET /a?b=c nothing none');
    expect(await curl(served, '/a', '--head')).toMatch(
      /^HTTP\/1\.1 200 OK\r\n(.+\r\n)*content-length: 20\r\n/i,
    );
    expect(await curl(served, '/a', '--data', 'small')).toBe(
      `POST /a nothing ${digest(Buffer.from('small'))}`,
    );
    expect(await curl(served, '/a', '-H', 'Expect:', '-T', fileOf(Buffer.from('small')))).toBe(
      `PUT /a nothing ${digest(Buffer.from('small'))}`,
    );
    expect(await curl(served, '/a', '--request', 'DELETE')).toBe('DELETE /a nothing none');
    expect(await curl(served, '/a', '--request', 'OPTIONS')).toBe('OPTIONS /a nothing none');
    expect(await curl(served, '/', '--request', 'OPTIONS', '--request-target', '*')).toBe(
      'OPTIONS * nothing none',
    );
    expect(await curl(served, '/old', '--http1.0')).toBe('GET /old nothing none');
  });

  it('asks for several things on one connection', async () => {
    const served = await startHttp(tell, { scheme });
    const urls = Array.from({ length: 20 }, (_, n) => served.url(`/${n}`));
    expect(await runTool('curl', [...QUIET, ...urls])).toBe(
      urls.map((_, n) => `GET /${n} nothing none`).join(''),
    );
    expect(served.reactor.stats().opened).toBe(1);
  });

  it.each([
    ['POST', 'with its length', (file: string) => ['--data-binary', `@${file}`]],
    ['PUT', 'with its length', (file: string) => ['-T', file]],
    ['PUT', 'chunked', (file: string) => ['-T', file, '-H', 'Transfer-Encoding: chunked']],
  ])('waits with a large body until it is told to go on: %s, %s', async (method, _framing, flags) => {
    const served = await startHttp(tell, { scheme });
    // It would wait for an hour.
    const patience = ['--expect100-timeout', '3600', '--include'];
    const printed = await curl(served, '/large', ...patience, ...flags(fileOf(LARGE)));
    expect(printed).toMatch(/^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 200 OK\r\n/);
    expect(printed.split('\r\n\r\n')[2]).toBe(`${method} /large 100-continue ${digest(LARGE)}`);
  });

  it('does not send a body that was refused', async () => {
    const served = await startHttp(
      (_req, res) => {
        res.status = 403;
        res.end('not you');
      },
      { scheme },
    );
    const flags = ['--expect100-timeout', '3600', '--write-out', ' %{http_code} %{size_upload}'];
    expect(await curl(served, '/', '-T', fileOf(LARGE), ...flags)).toBe('not you 403 0');
    expect(served.reactor.stats().bytesReceived).toBeLessThan(1024);
  });

  it('takes its time (--limit-rate): it is waited for, and little is kept for it', async () => {
    let waits = 0;
    let mostQueuedBytes = 0;
    const served = await startHttp(
      async (_req, res) => {
        for (const piece of keystream(SLOW_BYTES)) {
          const isTaken = res.write(piece);
          mostQueuedBytes = Math.max(mostQueuedBytes, served.reactor.stats().queuedBytes);
          if (isTaken) continue;
          waits += 1;
          await res.drained();
        }
        res.end();
      },
      { scheme },
    );
    const { child, ended } = startTool('curl', [...QUIET, '--limit-rate', '16M', served.url('/')]);
    expect(await digestOf(child.stdout)).toEqual(keystreamDigest(SLOW_BYTES));
    expect(await ended).toEqual({ code: 0, stderr: '' });
    expect(waits).toBeGreaterThan(0);
    // The queue's high-water mark, and the pieces with which it was reached.
    expect(mostQueuedBytes).toBeLessThan(512 * 1024);
  });

  it('goes on where it was interrupted, and gets the parts that it asks for', async () => {
    const file = fileOf(LARGE);
    const served = await startHttp((_req, res) => res.sendFile(file), { scheme });
    const half = fileOf(LARGE.subarray(0, LARGE.length / 2));
    const resumed = ['--continue-at', '-', '--output', half, '--write-out', '%{http_code} %{size_download}'];
    expect(await curl(served, '/', ...resumed)).toBe(`206 ${LARGE.length / 2}`);
    expect(await runTool('cmp', [file, half])).toBe('');
    const part = fileOf(Buffer.alloc(0));
    expect(
      await curl(served, '/', '--range', '-100', '--output', part, '--write-out', '%{size_download}'),
    ).toBe('100');
    expect(await curl(served, '/', '--range', '0-1,5-6', '--dump-header', '-', '--output', part)).toMatch(
      /^HTTP\/1\.1 206 Partial Content\r\n(.+\r\n)*content-type: multipart\/byteranges; boundary=/i,
    );
  });
});
