/** Files that are sent by processes and workers of their own: what they may read, what they leave, what they call. */
import { execFile, spawn, spawnSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { chmodSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { Worker } from 'node:worker_threads';
import { expect, onTestFinished, test } from 'vitest';
import { openSockets } from './support/descriptors.ts';
import { TemporaryFolder } from './support/temporary-folder.ts';

const MEBIBYTE = 1024 * 1024;
const fixture = (name: string) => fileURLToPath(new URL(`fixtures/${name}`, import.meta.url));
// A worker of Node 20 gets no loader by --import tsx; this registers one in every thread.
const FLAGS = ['--import', new URL('../../../scripts/register-typescript.mjs', import.meta.url).href];

test('D5 a file that may not be read closes the connection and says so', async () => {
  const folder = new TemporaryFolder();
  chmodSync(folder.path, 0o755);
  writeFileSync(folder.of('secret'), 'secret', { mode: 0o000 });
  const program = [...FLAGS, fixture('unreadable-file.ts'), folder.of('secret')];
  const { stdout } = await promisify(execFile)(process.execPath, program);
  const [told = '', left] = stdout.trim().split('\n');
  expect(JSON.parse(told)).toEqual({
    reason: 'error',
    name: 'FileError',
    code: 'ERR_FILE_PERMISSION',
    message: `This process may not read ${folder.of('secret')}. Change its permissions, or open it elsewhere and pass the descriptor.`,
    errno: 'EACCES',
  });
  // What Node closes of its own meanwhile makes it fewer.
  expect(Number(left)).toBeLessThanOrEqual(0);
});

test('P51 P52 a worker that is terminated in the middle of a file leaves nothing open', async () => {
  const folder = new TemporaryFolder();
  writeFileSync(folder.of('file'), Buffer.alloc(16 * MEBIBYTE, 'x'));
  const before = openSockets();
  for (let round = 0; round < 3; round += 1) {
    const worker = new Worker(fixture('file-server.ts'), { workerData: folder.of('file'), execArgv: FLAGS });
    const [port] = (await once(worker, 'message')) as [number];
    const socket = connect({ host: '127.0.0.1', port });
    socket.on('error', () => {});
    await once(socket, 'readable');
    expect(folder.opened()).toEqual([folder.of('file')]);
    await worker.terminate();
    expect(folder.opened()).toEqual([]);
    socket.destroy();
    await once(socket, 'close');
  }
  expect(openSockets()).toEqual(before);
});

test('D8 no call of the server moves bytes of a file through user space on the plain path', async (context) => {
  if (process.env['SLUICE_SANITIZED_NODE'] !== undefined)
    context.skip('a leak checker cannot work in a process that is traced');
  const folder = new TemporaryFolder();
  const trace = folder.of('trace');
  const probe = spawnSync('strace', ['-o', trace, '-e', 'trace=none', 'true']);
  if (probe.error !== undefined) context.skip('strace is not installed');
  if (probe.status !== 0) context.skip('strace may not trace here');
  const content = randomBytes(8 * MEBIBYTE);
  writeFileSync(folder.of('file'), content);
  const calls = 'trace=openat,sendfile,%file,%desc,%network';
  // A trace for each thread: calls of several would be torn apart in one.
  const args = ['-ff', '-y', '-s', '0', '-e', calls, '-o', trace, process.execPath, ...FLAGS];
  const server = spawn('strace', [...args, fixture('file-server.ts'), folder.of('file')], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  onTestFinished(() => void server.kill('SIGKILL'));
  const [port] = (await once(server.stdout, 'data')) as [Buffer];
  const hash = createHash('sha256');
  for await (const chunk of connect({ host: '127.0.0.1', port: Number(port) })) hash.update(chunk as Buffer);
  server.stdin.end();
  await once(server, 'close');
  expect(hash.digest('hex')).toBe(createHash('sha256').update(content).digest('hex'));

  const traces = readdirSync(folder.path).filter((name) => name.startsWith('trace.'));
  const lines = traces.flatMap((name) => readFileSync(folder.of(name), 'utf8').split('\n'));
  const onFile = lines.filter((line) => line.includes(`<${folder.of('file')}>`));
  const names = new Set(onFile.map((line) => /(\w+)\(/.exec(line)?.[1]));
  const sent = onFile
    .filter((line) => line.includes('sendfile'))
    .reduce((sum, line) => sum + Math.max(0, Number(/= (-?\d+)/.exec(line)?.[1] ?? 0)), 0);
  await context.annotate(`calls on the file: ${[...names].join(', ')}`);
  expect(sent).toBe(content.length);
  for (const name of names)
    expect(name).not.toMatch(/^(p?readv?(64|2)?|p?writev?(64|2)?|splice|copy_file_range)$/);
  // Nor did anything else go to a socket, but for the port to the standard output.
  const toSocket = lines.filter(
    (line) => /(send|write)\w*\((?!1<)\d+<(TCP|socket)/.test(line) && !line.includes('sendfile'),
  );
  expect(toSocket).toEqual([]);
});
