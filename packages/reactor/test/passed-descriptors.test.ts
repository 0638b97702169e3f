import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, mkdtempSync, openSync, rmSync } from 'node:fs';
import { connect, createServer, type Server as NodeServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { loadNative } from '@sluice/core-native';
import { afterEach, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { createReactor, type Reactor, systemdListenFds } from '../src/index.ts';
import { Harness } from '../src/testing/index.ts';
import { openSockets } from './support/descriptors.ts';

const program = fileURLToPath(new URL('fixtures/passed-listener.ts', import.meta.url));
const NODE = [process.execPath, '--import', 'tsx', program];
const nothing = { onOpen: () => {} };

let before: string[];
let reactor: Reactor;

beforeEach(() => {
  before = openSockets();
  reactor = createReactor();
});

afterEach(async () => {
  await reactor.shutdown({ deadlineMs: 0 });
  expect(openSockets()).toEqual(before);
});

function fdOf(server: NodeServer): number {
  return (server as unknown as { _handle: { fd: number } })._handle.fd;
}

/** Everything that `child` prints, once it has ended. */
async function outputOf(child: ChildProcess): Promise<string> {
  const chunks: Buffer[] = [];
  child.stdout?.on('data', (chunk: Buffer) => chunks.push(chunk));
  const [code] = await once(child, 'close');
  expect(code).toBe(0);
  return Buffer.concat(chunks).toString();
}

async function everythingFrom(target: { port: number; host: string } | { path: string }): Promise<string> {
  const socket = connect(target);
  let text = '';
  socket.on('data', (chunk) => {
    text += chunk.toString();
  });
  await once(socket, 'close');
  return text;
}

describe('systemdListenFds', () => {
  const pid = String(process.pid);

  test('names what was passed to this process', () => {
    expect(systemdListenFds({ LISTEN_PID: pid, LISTEN_FDS: '2', LISTEN_FDNAMES: 'web:admin' })).toEqual([
      { fd: 3, name: 'web' },
      { fd: 4, name: 'admin' },
    ]);
    expect(systemdListenFds({ LISTEN_PID: pid, LISTEN_FDS: '1' })).toEqual([{ fd: 3, name: 'unknown' }]);
  });

  test.each([
    ['nothing is set', {}],
    ['it was passed to another process', { LISTEN_PID: '1', LISTEN_FDS: '1' }],
    ['none was passed', { LISTEN_PID: pid, LISTEN_FDS: '0' }],
    ['only the names are set', { LISTEN_FDNAMES: 'web' }],
  ])('is empty when %s', (_when, environment) => {
    expect(systemdListenFds(environment)).toEqual([]);
  });

  test.each([
    [{ LISTEN_PID: 'me', LISTEN_FDS: '1' }, 'LISTEN_PID is "me", not a number: unset the LISTEN_ variables'],
    [{ LISTEN_PID: pid, LISTEN_FDS: '-1' }, 'LISTEN_FDS is "-1", not a number'],
    [
      { LISTEN_PID: pid, LISTEN_FDS: '1', LISTEN_FDNAMES: 'a:b' },
      'LISTEN_FDNAMES has 2 names for 1 descriptors',
    ],
  ])('refuses %j', (environment, message) => {
    expect(() => systemdListenFds(environment)).toThrow(
      expect.objectContaining({
        name: 'UsageError',
        code: 'ERR_LISTEN_FD',
        message: expect.stringContaining(message),
      }),
    );
  });
});

describe('a listening descriptor that was passed in', () => {
  test('P13 by a parent as systemd does it: a child that replaces its shell serves it', async () => {
    const parent = createServer().listen(0, '127.0.0.1');
    await once(parent, 'listening');
    const { port } = parent.address() as { port: number };
    const child = spawn('sh', ['-c', 'export LISTEN_PID=$$; exec "$@"', 'sh', ...NODE], {
      stdio: ['ignore', 'pipe', 'inherit', fdOf(parent)],
      env: { ...process.env, LISTEN_FDS: '1', LISTEN_FDNAMES: 'web' },
    });
    onTestFinished(() => void child.kill('SIGKILL'));
    const output = outputOf(child);
    // Both share the backlog; the parent never accepts once it is closed.
    parent.close();
    expect(await everythingFrom({ port, host: '127.0.0.1' })).toBe(`web served by ${child.pid}\n`);
    expect(await output).toBe(
      `${JSON.stringify({ fd: 3, name: 'web', address: { family: 'IPv4', address: '127.0.0.1', port } })}\n`,
    );
  });

  test('by systemd-socket-activate: a Unix socket, whose path stays with who made it', async (context) => {
    if (spawnSync('systemd-socket-activate', ['--version']).error !== undefined)
      context.skip('systemd-socket-activate is not installed');
    const folder = mkdtempSync(join(tmpdir(), 'sluice-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const path = join(folder, 'activated.sock');
    const activator = spawn('systemd-socket-activate', ['-E', 'PATH', '-l', path, '--fdname=web', ...NODE], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    onTestFinished(() => void activator.kill('SIGKILL'));
    const output = outputOf(activator);
    // It says where it listens, and starts the server when somebody comes.
    await once(activator.stderr, 'data');
    expect(await everythingFrom({ path })).toBe(`web served by ${activator.pid}\n`);
    expect(JSON.parse(await output)).toEqual({
      fd: 3,
      name: 'web',
      address: { family: 'unix', address: path, port: 0 },
    });
    expect(existsSync(path)).toBe(true);
  });

  test('is refused when it does not listen, is no socket or is not open, and then left alone', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as { port: number };
    const client = connect({ port, host: '127.0.0.1' });
    await once(client, 'connect');
    const file = openSync('/dev/null', 'r');
    const connectedFd = (client as unknown as { _handle: { fd: number } })._handle.fd;
    for (const [fd, problem] of [
      [connectedFd, 'does not listen'],
      [file, 'is not a socket'],
      [1_000_000, 'is not open'],
    ] as const) {
      const refused = reactor.listen({ fd }, nothing);
      await expect(refused).rejects.toMatchObject({ name: 'UsageError', code: 'ERR_LISTEN_FD' });
      await expect(refused).rejects.toThrow(
        `Descriptor ${fd} ${problem}: pass a TCP or Unix socket that listens, and pass it once.`,
      );
    }
    closeSync(file);
    client.destroy();
    server.close();
    await once(server, 'close');
  });

  test('is closed without a filter for newcomers, and without a wait: whoever else holds it goes on', async () => {
    const harness = new Harness();
    const server = await harness.reactor.listen({ fd: 77 }, nothing);
    const closing = server.close();
    harness.poller.settle();
    expect(await closing).toEqual({ drained: 0, destroyed: 0 });
    expect(harness.sockets.refusing).toEqual([]);
    expect(harness.sockets.closed).toContain(77);
  });

  test('is refused when it belongs to another server of this thread', async () => {
    const native = loadNative();
    const fd = native.listen('127.0.0.1', 0, 1, { reusePort: false, ipv6Only: false });
    await expect(reactor.listen({ fd }, nothing)).rejects.toThrow(
      `Descriptor ${fd} belongs to a server of this thread already`,
    );
    native.close(fd);
  });
});
