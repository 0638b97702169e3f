/** How many system calls a large write takes, counted by strace in a process of its own. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect } from 'node:tls';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import { makeCertificate } from './support/certificate.ts';
import { temporaryFile } from './support/temporary-file.ts';

const FLAGS = ['--import', new URL('../../../scripts/register-typescript.mjs', import.meta.url).href];
const PROGRAM = fileURLToPath(new URL('fixtures/shared-writer.ts', import.meta.url));
/** Sixteen records, and what a socket of the loopback takes at once. */
const LENGTH = 256 * 1024;

test('sixteen records of one write leave in one call', async (context) => {
  if (process.env['SLUICE_SANITIZED_NODE'] !== undefined)
    context.skip('a leak checker cannot work in a process that is traced');
  const trace = temporaryFile('trace', '');
  const probe = spawnSync('strace', ['-o', trace, '-e', 'trace=none', 'true']);
  if (probe.error !== undefined) context.skip('strace is not installed');
  if (probe.status !== 0) context.skip('strace may not trace here');
  const { cert, key } = await makeCertificate();
  const files = [temporaryFile('cert', cert), temporaryFile('key', key)];
  const args = ['-o', trace, '-s', '0', '-e', 'trace=sendto', process.execPath, ...FLAGS, PROGRAM];
  const server = spawn('strace', [...args, ...files, `${LENGTH}`], { stdio: ['pipe', 'pipe', 'inherit'] });
  onTestFinished(() => void server.kill('SIGKILL'));
  const [port] = (await once(server.stdout, 'data')) as [Buffer];
  let received = 0;
  for await (const chunk of connect({ host: '127.0.0.1', port: Number(port), ca: cert }))
    received += (chunk as Buffer).length;
  server.stdin.end();
  await once(server, 'close');
  expect(received).toBe(LENGTH);
  const sizes = [...readFileSync(trace, 'utf8').matchAll(/sendto\(.*\) = (\d+)$/gm)].map(([, size]) =>
    Number(size),
  );
  const large = sizes.filter((size) => size >= 16 * 1024);
  await context.annotate(`send: ${sizes.join(', ')}`);
  expect(large).toHaveLength(1);
  expect(large[0]).toBeGreaterThan(LENGTH);
});
