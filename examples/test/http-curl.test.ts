/** `http --tls` as `curl` sees it. */

import { needsTool, startTool } from '@sluice-internal/foreign-programs';
import { beforeEach, describe, expect, it } from 'vitest';
import { digestOf } from './support/checksum.ts';
import { peakMemoryBytes } from './support/peak-memory.ts';
import { randomFile } from './support/random-file.ts';
import { type ExampleServer, startServer } from './support/server.ts';

const MEBIBYTE = 1024 * 1024;

describe('the http server and curl', () => {
  beforeEach((context) => needsTool(context, 'curl'));

  it.each([
    ['with Content-Length over TLS 1.3', ['--tlsv1.3']],
    ['chunked over TLS 1.2', ['--tls-max', '1.2', '-H', 'Transfer-Encoding: chunked']],
  ])('stream 100 MiB there and back in bounded memory, %s', async (_how, flags) => {
    const server = await startServer('http', ['--tls']);
    const { path, ...sent } = randomFile(100);
    const beforeBytes = peakMemoryBytes(server.child.pid);
    for (let round = 1; round <= 2; round += 1) {
      const client = curl(server, '--request', 'POST', '--upload-file', path, ...flags);
      expect(await digestOf(client.child.stdout)).toEqual(sent);
      expect(await client.ended).toEqual({ code: 0, stderr: '' });
    }
    // 400 MiB went through; what grows is the collector's idea of its heap (40 to 80 MiB, and then hardly).
    expect((peakMemoryBytes(server.child.pid) - beforeBytes) / MEBIBYTE).toBeLessThan(120);
    expect(await server.stop()).toMatchObject({ code: 0, signal: null });
  });

  it('exchange a request without a body', async () => {
    const server = await startServer('http', ['--tls']);
    const client = curl(server, '--write-out', ' %{http_code} %{http_version}');
    const chunks = await client.child.stdout.toArray();
    expect(Buffer.concat(chunks).toString()).toBe('Hello, World! 200 1.1');
    expect(await client.ended).toEqual({ code: 0, stderr: '' });
  });
});

function curl({ port }: ExampleServer, ...flags: string[]) {
  const quiet = ['--silent', '--show-error', '--fail', '--insecure', '--noproxy', '*'];
  return startTool('curl', [...quiet, ...flags, `https://127.0.0.1:${port}/`]);
}
