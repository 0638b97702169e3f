import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

test('a process with nothing open exits by itself', async ({ signal }) => {
  const program = fileURLToPath(new URL('fixtures/leaves-nothing-open.ts', import.meta.url));
  // Killed, and so rejected, if it stays until the test's time is over.
  const { stdout } = await promisify(execFile)(process.execPath, ['--import', 'tsx', program], { signal });
  expect(stdout).toBe('got ping\nclosed clean\n');
});

test('P55 a deadline passes in a process that nothing else wakes', async () => {
  const program = fileURLToPath(new URL('fixtures/silent-peer.ts', import.meta.url));
  // V8 wakes an idle loop itself, to tidy up.
  const args = ['--no-memory-reducer', '--import', 'tsx', program];
  const server = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  try {
    const [port] = (await once(server.stdout, 'data')) as [Buffer];
    const socket = connect({ port: Number(String(port)), host: '127.0.0.1' });
    // A reset, if it had to be.
    socket.on('error', () => {});
    await new Promise((resolve) => socket.resume().once('close', resolve));
  } finally {
    server.kill('SIGKILL');
    await once(server, 'exit');
  }
});
