/** Long bodies between `curl` and a server whose memory is watched: every byte arrives, and the server keeps none. */
import { join } from 'node:path';
import { needsTool, startTool } from '@sluice-internal/foreign-programs';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Digest } from '../support/checksum.ts';
import { peakMemoryBytes } from '../support/peak-memory.ts';
import { startExample } from '../support/program.ts';
import { type ExampleServer, listening } from '../support/server.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { numberedPiecesDigest } from './support/numbered-pieces.ts';

const MEBIBYTE = 1024 * 1024;
/** SLUICE_TRANSFER_MEBIBYTES=1024 makes it a gibibyte; memory that is not bounded shows with this as well. */
const TRANSFER_BYTES = Number(process.env['SLUICE_TRANSFER_MEBIBYTES'] ?? 256) * MEBIBYTE;
/** Sent first, so that what a server needs once is there. */
const WARMING_BYTES = 96 * MEBIBYTE;
/** What the collector lets lie about, by version of Node. Without backpressure it is 160 and more. */
const MOST_GROWTH_MEBIBYTES = 96;

let whole: Digest;
beforeAll(() => {
  whole = numberedPiecesDigest(TRANSFER_BYTES);
});
beforeEach((context) => needsTool(context, 'curl'));

describe.each([
  ['http', [] as string[]],
  ['https', ['--tls']],
])('over %s', (scheme, flags) => {
  it('a long body comes down and goes up again, with its length and chunked, in bounded memory', {
    timeout: 120_000,
  }, async (context) => {
    const server = await listening(startExample('test/interop/support/transfer-server', flags));
    const file = join(temporaryFolder(), 'body');
    const growth: Record<string, number> = {};
    const step = async (name: string, path: string, ...how: string[]) => {
      const said = await curl(scheme, server, path, ...how);
      growth[name] = Math.round((peakMemoryBytes(server.child.pid) - beforeBytes) / MEBIBYTE);
      return said;
    };
    await curl(scheme, server, `/${WARMING_BYTES}`, '-o', file);
    const beforeBytes = peakMemoryBytes(server.child.pid);
    await step('chunked, down', `/${TRANSFER_BYTES}`, '-o', file);
    expect(JSON.parse(await step('with its length, up', '/', '-T', file))).toEqual(whole);
    await step('with its length, down', `/${TRANSFER_BYTES}?length`, '-o', file);
    const chunked = ['-H', 'Transfer-Encoding: chunked', '-T', file];
    expect(JSON.parse(await step('chunked, up', '/', ...chunked))).toEqual(whole);
    await context.annotate(`peak memory grew by, in MiB: ${JSON.stringify(growth)}`);
    expect(Math.max(...Object.values(growth))).toBeLessThan(MOST_GROWTH_MEBIBYTES);
    expect(await server.stop()).toMatchObject({ code: 0, signal: null });
  });
});

async function curl(
  scheme: string,
  server: ExampleServer,
  path: string,
  ...flags: string[]
): Promise<string> {
  const url = `${scheme}://127.0.0.1:${server.port}${path}`;
  const quiet = ['--silent', '--show-error', '--fail', '--insecure', '--noproxy', '*'];
  const client = startTool('curl', [...quiet, ...flags, url]);
  const text = Buffer.concat(await client.child.stdout.toArray()).toString('latin1');
  expect(await client.ended).toEqual({ code: 0, stderr: '' });
  return text;
}
