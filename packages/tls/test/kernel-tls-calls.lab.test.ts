/** What a server calls to send a file that the kernel seals: the plain path is in the reactor's `file-processes.test.ts`. */
import { spawn, spawnSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import { makeCertificate } from './support/certificate.ts';
import { kernelTlsCounts } from './support/kernel-tls-counts.ts';
import { nodeClient } from './support/node-client.ts';
import { temporaryFile } from './support/temporary-file.ts';

const content = randomBytes(8 * 1024 * 1024);
const fixture = fileURLToPath(new URL('fixtures/kernel-tls-file-server.ts', import.meta.url));
const FLAGS = ['--import', new URL('../../../scripts/register-typescript.mjs', import.meta.url).href];
/** Far more than a handshake, a ticket and an end take, far less than the file. */
const MOST_OTHER_BYTES = 16 * 1024;

test.each(['send', 'both'] as const)(
  'D8 with kernelTls %s no call of the server moves bytes of a file through user space',
  async (kernelTls) => {
    const folder = mkdtempSync(join(tmpdir(), 'sluice-trace-'));
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    const probe = spawnSync('strace', ['-o', join(folder, 'probe'), '-e', 'trace=none', 'true']);
    if (probe.error !== undefined) throw new Error('strace is not installed', { cause: probe.error });
    expect(String(probe.stderr)).toBe('');
    const { cert, key } = await makeCertificate();
    const file = temporaryFile('file', content);
    const before = kernelTlsCounts();
    const words = [file, temporaryFile('cert', cert), temporaryFile('key', key), kernelTls];
    const calls = 'trace=openat,sendfile,mincore,%file,%desc,%network';
    // A trace for each thread: calls of several would be torn apart in one.
    const args = ['-ff', '-y', '-s', '0', '-e', calls, '-o', join(folder, 'trace'), process.execPath];
    const server = spawn('strace', [...args, ...FLAGS, fixture, ...words], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    onTestFinished(() => void server.kill('SIGKILL'));
    const [port] = (await once(server.stdout, 'data')) as [Buffer];
    const hash = createHash('sha256');
    for await (const chunk of await nodeClient(Number(port), { ca: cert })) hash.update(chunk as Buffer);
    server.stdin.end();
    await once(server, 'close');
    expect(hash.digest('hex')).toBe(createHash('sha256').update(content).digest('hex'));
    expect(kernelTlsCounts().sealing - before.sealing).toBe(1);

    const traces = readdirSync(folder).filter((name) => name.startsWith('trace.'));
    const lines = traces.flatMap((name) => readFileSync(join(folder, name), 'utf8').split('\n'));
    const onFile = lines.filter((line) => line.includes(`<${file}>`));
    const names = new Set(onFile.map((line) => /(\w+)\(/.exec(line)?.[1] ?? ''));
    const bytes = (some: readonly string[]) =>
      some.reduce((sum, line) => sum + Math.max(0, Number(/= (-?\d+)/.exec(line)?.[1] ?? 0)), 0);
    expect(bytes(onFile.filter((line) => line.includes('sendfile(')))).toBe(content.length);
    for (const name of names)
      expect(name).not.toMatch(/^(p?readv?(64|2)?|p?writev?(64|2)?|splice|copy_file_range)$/);
    // Mapped only to ask what of it is in memory, which touches no byte.
    const count = (call: string) => lines.filter((line) => line.startsWith(`${call}(`)).length;
    expect(count('mincore')).toBe(onFile.filter((line) => line.startsWith('mmap(')).length);
    // Nor did anything of its size go to a socket by another call.
    const [, socket = 'no socket'] = /sendfile\((\d+<[^>]+>)/.exec(onFile.join('\n')) ?? [];
    const toSocket = lines.filter((line) => /^(send|write)/.test(line) && line.includes(`(${socket},`));
    expect(toSocket.length).toBeGreaterThan(names.size);
    expect(bytes(toSocket.filter((line) => !line.startsWith('sendfile')))).toBeLessThan(MOST_OTHER_BYTES);
  },
  120_000,
);
