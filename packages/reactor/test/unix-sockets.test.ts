import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { connect as connectNode, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { needsTool } from '@sluice-internal/foreign-programs';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createReactor, type Protocol, type Reactor } from '../src/index.ts';
import { openSockets } from './support/descriptors.ts';

let folder: string;
let path: string;
let before: string[];
let reactor: Reactor;
let errors: Error[];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sluice-'));
  path = join(folder, 'app.sock');
  before = openSockets();
  errors = [];
  reactor = createReactor({ poisonReads: true, onError: (error) => errors.push(error) });
});

afterEach(async () => {
  await reactor.shutdown({ deadlineMs: 0 });
  expect(openSockets()).toEqual(before);
  expect(errors).toEqual([]);
  rmSync(folder, { recursive: true });
});

const echo: Protocol = {
  onOpen: () => {},
  onData: (conn, chunk) => {
    if (!conn.write(chunk)) conn.pause();
  },
  onDrain: (conn) => conn.resume(),
};

/** Sends `text` to the echo at `at` and resolves with what came back, through Node's own client. */
async function echoed(at: string, text: string): Promise<string> {
  const socket = connectNode({ path: at, allowHalfOpen: true });
  const chunks: Buffer[] = [];
  socket.on('data', (chunk) => chunks.push(chunk));
  socket.end(text);
  await once(socket, 'end');
  return Buffer.concat(chunks).toString();
}

describe('listening on a path', () => {
  test('serves peers of other makes, tells its address, and removes its path when it closes', async () => {
    const server = await reactor.listen({ path, backlog: 16 }, echo);
    expect(server.address()).toEqual({ family: 'unix', address: path, port: 0 });
    expect(await echoed(path, 'from node:net')).toBe('from node:net');
    await server.close();
    expect(server.address()).toBeUndefined();
    expect(existsSync(path)).toBe(false);
  });

  test('has the mode that it was asked for', async () => {
    for (const mode of [0o600, 0o666]) {
      const server = await reactor.listen({ path, mode }, echo);
      expect(lstatSync(path).mode & 0o777).toBe(mode);
      await server.close();
    }
  });

  test('large transfers with backpressure come back byte for byte', async () => {
    await reactor.listen({ path, sendBufferBytes: 8_192 }, echo);
    const text = 'abcdefgh'.repeat(256 * 1024);
    expect((await echoed(path, text)) === text).toBe(true);
  });

  test('closing serves who is in the backlog, after the path is gone', async () => {
    const server = await reactor.listen({ path }, echo);
    server.pause();
    const waiting = echoed(path, 'I came in time');
    await nextTurn();
    const closing = server.close();
    expect(existsSync(path)).toBe(false);
    expect(await waiting).toBe('I came in time');
    expect(await closing).toEqual({ drained: 1, destroyed: 0 });
  });

  test('the path goes with the reactor too', async () => {
    const other = createReactor();
    await other.listen({ path }, echo);
    await other.shutdown();
    expect(existsSync(path)).toBe(false);
  });

  test('what a server that is gone left behind is replaced', async () => {
    leaveSocketBehind(path);
    expect(lstatSync(path).isSocket()).toBe(true);
    const server = await reactor.listen({ path }, echo);
    expect(await echoed(path, 'again')).toBe('again');
    await server.close();
    expect(existsSync(path)).toBe(false);
  });

  test('a server that is there is left in peace', async () => {
    // The look whether somebody listens is a connection that closes at once.
    const living = createServer((socket) => socket.on('error', () => {}).end('still here')).listen(path);
    await once(living, 'listening');
    const refused = reactor.listen({ path }, echo);
    await expect(refused).rejects.toMatchObject({ name: 'SystemError', code: 'EADDRINUSE', call: 'bind' });
    await expect(refused).rejects.toThrow(
      `bind ${path} failed: EADDRINUSE, Address already in use. A server listens there: stop it (ss -lxp`,
    );
    expect(await echoed(path, '')).toBe('still here');
    living.close();
    await once(living, 'close');
  });

  test('of two servers on one path in one process the second is refused, the first serves on', async () => {
    await reactor.listen({ path }, echo);
    await expect(reactor.listen({ path }, echo)).rejects.toMatchObject({ code: 'EADDRINUSE' });
    expect(await echoed(path, 'first')).toBe('first');
  });

  test.each([
    ['a file', (at: string) => writeFileSync(at, 'precious')],
    ['a folder', (at: string) => mkdirSync(at)],
    ['a symbolic link', (at: string) => symlinkSync('nowhere', at)],
  ])('%s at the path is never removed', async (what, make) => {
    make(path);
    const refused = reactor.listen({ path }, echo);
    await expect(refused).rejects.toMatchObject({ name: 'SocketPathError', code: 'ERR_SOCKET_PATH', path });
    await expect(refused).rejects.toThrow(
      `Cannot listen on ${path}: ${what} is there, not a socket. Remove it, or`,
    );
    expect(() => lstatSync(path)).not.toThrow();
  });

  test('a path that another server has taken over by then is not removed', async () => {
    const server = await reactor.listen({ path }, echo);
    renameSync(path, `${path}.old`);
    const next = await reactor.listen({ path }, echo);
    await server.close();
    expect(existsSync(path)).toBe(true);
    expect(await echoed(path, 'the next one')).toBe('the next one');
    await next.close();
    expect(existsSync(path)).toBe(false);
  });

  test('a folder that is closed or missing is a SystemError that names the path', async () => {
    const missing = join(folder, 'missing', 'app.sock');
    await expect(reactor.listen({ path: missing }, echo)).rejects.toThrow(`bind ${missing} failed: ENOENT`);
    // Root may do everything.
    if (process.getuid?.() === 0) return;
    chmodSync(folder, 0o500);
    await expect(reactor.listen({ path }, echo)).rejects.toMatchObject({ code: 'EACCES' });
    chmodSync(folder, 0o700);
  });

  test('a relative path is removed although the current folder has changed', async () => {
    const start = process.cwd();
    process.chdir(folder);
    const server = await reactor.listen({ path: 'short.sock' }, echo).finally(() => process.chdir(start));
    await server.close();
    expect(existsSync(join(folder, 'short.sock'))).toBe(false);
  });

  test('an abstract name needs no file', async () => {
    const name = `\0sluice-${process.pid}-abstract`;
    const server = await reactor.listen({ path: name }, echo);
    expect(server.address()).toEqual({ family: 'unix', address: name, port: 0 });
    await expect(reactor.listen({ path: name }, echo)).rejects.toThrow(
      `bind @sluice-${process.pid}-abstract failed: EADDRINUSE`,
    );
    const conn = await reactor.connect({ path: name }, { onOpen: () => {} });
    expect(conn.remoteAddress).toEqual({ family: 'unix', address: name, port: 0 });
  });

  test('curl speaks to it', async (context) => {
    needsTool(context, 'curl');
    await reactor.listen(
      { path },
      { onOpen: () => {}, onData: (conn) => conn.end('HTTP/1.0 200 OK\r\n\r\nover a path') },
    );
    const curl = spawn('curl', ['-sS', '--max-time', '20', '--unix-socket', path, 'http://anything/']);
    const chunks: Buffer[] = [];
    curl.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
    expect(await once(curl, 'close')).toEqual([0, null]);
    expect(Buffer.concat(chunks).toString()).toBe('over a path');
  });

  test('a peer that passes descriptors along, which makes reads short, stalls nothing', async (context) => {
    needsTool(context, 'perl');
    const got: string[] = [];
    let conn: { resume(): void } | undefined;
    await reactor.listen(
      { path },
      {
        onOpen: (opened) => {
          conn = opened;
          opened.pause();
        },
        onData: (_conn, chunk) => got.push(chunk.toString()),
      },
    );
    const peer = spawn('perl', ['-e', DESCRIPTOR_PEER, path], { stdio: ['pipe', 'pipe', 'inherit'] });
    await once(peer.stdout, 'data');
    for (let turn = 0; turn < 5; turn += 1) await nextTurn();
    conn?.resume();
    for (let turn = 0; turn < 5; turn += 1) await nextTurn();
    expect(got.join('')).toBe('before and after');
    peer.stdin.end();
    await once(peer, 'exit');
  });
});

describe('connecting to a path', () => {
  test('is as any other connection, without what belongs to TCP', async () => {
    const server = createServer((socket) => socket.end('welcome')).listen(path);
    await once(server, 'listening');
    let told: (text: string) => void = () => {};
    const text = new Promise<string>((resolve) => {
      told = resolve;
    });
    let got = '';
    const conn = await reactor.connect(
      { path, sendBufferBytes: 65_536 },
      {
        onOpen: () => {},
        onData: (_conn, chunk) => {
          got += chunk;
        },
        onEnd: () => told(got),
      },
    );
    expect(await text).toBe('welcome');
    expect(conn.tcpInfo()).toBeUndefined();
    expect(conn.remoteAddress).toEqual({ family: 'unix', address: path, port: 0 });
    conn.close();
    server.close();
    await once(server, 'close');
  });

  test('refuses with an error that names the path', async () => {
    await expect(reactor.connect({ path }, echo)).rejects.toThrow(`connect ${path} failed: ENOENT`);
    leaveSocketBehind(path);
    const refused = reactor.connect({ path }, echo);
    await expect(refused).rejects.toMatchObject({ name: 'SystemError', code: 'ECONNREFUSED' });
    await expect(refused).rejects.toThrow(
      `connect ${path} failed: ECONNREFUSED, Connection refused. Nobody listens there any more: start the server`,
    );
  });
});

/** Binds a socket to `at` in a process that ends without removing it. */
function leaveSocketBehind(at: string): void {
  const { status } = spawnSync(process.execPath, [
    '-e',
    `require('net').createServer().listen(process.argv[1], () => process.kill(process.pid, 'SIGKILL'))`,
    at,
  ]);
  expect(status).toBeNull();
  expect(lstatSync(at).isSocket()).toBe(true);
}

/** sendmsg(2) has no name in Perl's core. Its number is that of Perl's processor: this process may be an emulated one. */
const DESCRIPTOR_PEER = `
  use Config;
  use Socket;
  my $sendmsg = { x86_64 => 46, aarch64 => 211 }->{(split /-/, $Config{archname})[0]};
  socket(my $peer, PF_UNIX, SOCK_STREAM, 0) or die;
  connect($peer, sockaddr_un($ARGV[0])) or die;
  my $text = "before ";
  my $vector = pack("P Q", $text, length $text);
  my $rights = pack("Q l l l x4", 20, SOL_SOCKET, 1, 0);
  my $message = pack("Q L x4 P Q P Q l x4", 0, 0, $vector, 1, $rights, length $rights, 0);
  syscall($sendmsg, fileno($peer), $message, 0) == length $text or die "sendmsg: $!";
  send($peer, "and after", 0);
  syswrite(STDOUT, "sent");
  sysread(STDIN, my $end, 1);
`;
