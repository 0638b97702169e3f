import { spawnSync } from 'node:child_process';
import { closeSync, lstatSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Interest, type SocketOptions, Status } from '../src/index.ts';
import { addonPaths } from '../src/loader.ts';
import {
  connectedPair,
  listenOnLoopback,
  receive,
  sendAll,
  succeed,
  until,
  waitFor,
} from './support/loopback.ts';
import { leavesNothingBehind, native } from './support/native.ts';

leavesNothingBehind();

const adoptScenario = fileURLToPath(new URL('./fixtures/adopt-scenario.mjs', import.meta.url));

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'sluice-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

const CLOSE_ON_EXEC = 0o2000000;
const NON_BLOCKING = 0o4000;

function flagsOf(fd: number): number {
  const text = readFileSync(`/proc/self/fdinfo/${fd}`, 'latin1');
  return Number.parseInt(/^flags:\s*(\d+)/m.exec(text)![1]!, 8);
}

/** Accepts one connection that is on its way. */
const acceptFrom = (listener: number): number => until(listener, () => native.accept(listener));

describe('a Unix socket', () => {
  it.each([
    ['a path', () => join(folder, 'talk.sock')],
    ['an abstract name', () => `\0sluice-${process.pid}-talk`],
    ['the longest path', () => join(folder, 'x').padEnd(107, 'x')],
  ])('listens on %s, connects, moves bytes and tells its address', (_kind, name) => {
    const path = name();
    const listener = succeed(native.listenUnix(path, 16));
    const address = { family: 'unix', address: path, port: 0 };
    expect(native.localAddress(listener)).toEqual(address);
    const client = succeed(native.connectUnix(path));
    expect(native.connectResult(client)).toBe(0);
    const server = acceptFrom(listener);
    expect(native.acceptedAddress()).toBe('');
    sendAll(client, Buffer.from('over here'));
    expect(receive(server, 9).toString()).toBe('over here');
    expect(native.remoteAddress(client)).toEqual(address);
    expect(native.remoteAddress(server)).toEqual({ family: 'unix', address: '', port: 0 });
    for (const fd of [listener, client, server]) {
      expect(flagsOf(fd) & (CLOSE_ON_EXEC | NON_BLOCKING)).toBe(CLOSE_ON_EXEC | NON_BLOCKING);
      native.close(fd);
    }
    if (!path.startsWith('\0')) rmSync(path);
  });

  it('leaves its path behind when it is closed, where it is found in use, and refuses', () => {
    const path = join(folder, 'stale.sock');
    native.close(succeed(native.listenUnix(path, 16)));
    expect(lstatSync(path).isSocket()).toBe(true);
    expect(native.listenUnix(path, 16)).toBe(Status.failed);
    expect(native.lastFailure()).toMatchObject({ code: 'EADDRINUSE', call: 'bind' });
    expect(native.connectUnix(path)).toBe(Status.failed);
    expect(native.lastFailure()).toMatchObject({ code: 'ECONNREFUSED', call: 'connect' });
    rmSync(path);
    expect(native.connectUnix(path)).toBe(Status.failed);
    expect(native.lastFailure().code).toBe('ENOENT');
  });

  it('answers failed with EAGAIN when the backlog is full', () => {
    const listener = succeed(native.listenUnix(`\0sluice-${process.pid}-full`, 0));
    const clients = [succeed(native.connectUnix(`\0sluice-${process.pid}-full`))];
    for (;;) {
      const fd = native.connectUnix(`\0sluice-${process.pid}-full`);
      if (fd === Status.failed) break;
      clients.push(fd);
    }
    expect(native.lastFailure()).toMatchObject({ code: 'EAGAIN', call: 'connect' });
    for (const fd of [listener, ...clients]) native.close(fd);
  });

  it.each(['', 'x'.repeat(108), 'with\0in it', '\0with\0in it'])('has no path %j', (path) => {
    for (const [answer, call] of [
      [() => native.listenUnix(path, 1), 'bind'],
      [() => native.connectUnix(path), 'connect'],
    ] as const) {
      expect(answer()).toBe(Status.failed);
      const failure = native.lastFailure();
      expect(failure).toMatchObject({ code: 'EINVAL', call });
      expect(failure.reason).toContain('is not the path of a Unix socket: 1 to 107 bytes');
    }
  });
});

describe('adopting', () => {
  it('P13 takes over a listener that a parent passed: non-blocking, close-on-exec, and once only', () => {
    const listener = listenOnLoopback();
    const child = spawnSync(process.execPath, [adoptScenario, addonPaths()[0]!], {
      stdio: ['ignore', 'pipe', 'inherit', listener.fd],
      encoding: 'utf8',
      timeout: 20_000,
    });
    const told = JSON.parse(child.stdout) as Record<string, number>;
    expect(told['after']! & (CLOSE_ON_EXEC | NON_BLOCKING)).toBe(CLOSE_ON_EXEC | NON_BLOCKING);
    // Open at the end: the listener and what it accepted.
    expect(told).toMatchObject({ adopted: 3, accepted: true, again: Status.failed, code: 'EEXIST', open: 2 });
    native.close(listener.fd);
  });

  it('refuses what is not a listening stream socket, and leaves it alone', () => {
    const pair = connectedPair();
    const before = native.liveObjects().descriptors;
    const plainFile = openSync('/dev/null', 'r');
    const refusals = [1_000_000, plainFile, pair.client].map((fd) => {
      expect(native.adopt(fd)).toBe(Status.failed);
      return native.lastFailure();
    });
    expect(refusals).toMatchObject([
      { code: 'EBADF', call: 'getsockopt' },
      { code: 'ENOTSOCK', call: 'getsockopt' },
      { code: 'EINVAL', call: 'adopt', reason: 'it does not listen' },
    ]);
    expect(native.liveObjects().descriptors).toBe(before);
    closeSync(plainFile);
    pair.close();
  });
});

describe('a connection from a chosen address', () => {
  it('comes from there, with a port of the kernel or of the caller', () => {
    const listener = listenOnLoopback();
    const reserved = listenOnLoopback();
    native.close(reserved.fd);
    for (const port of [0, reserved.port]) {
      const client = succeed(
        native.connect('127.0.0.1', listener.port, { local: { address: '127.0.0.2', port } }),
      );
      const server = acceptFrom(listener.fd);
      expect(native.acceptedAddress()).toBe('127.0.0.2');
      if (port !== 0) expect(native.remoteAddress(server)!.port).toBe(port);
      for (const fd of [client, server]) native.close(fd);
    }
    native.close(listener.fd);
  });

  it('that is where it goes to meets itself, and is refused', () => {
    // Not 127.0.0.1, where another program may take the port meanwhile.
    const address = '127.0.0.78';
    const listener = succeed(native.listen(address, 0, 1, { reusePort: false, ipv6Only: false }));
    const { port } = native.localAddress(listener)!;
    native.close(listener);
    const client = succeed(native.connect(address, port, { local: { address, port } }));
    expect(native.remoteAddress(client)).toEqual(native.localAddress(client));
    expect(native.connectResult(client)).toBe(Status.failed);
    expect(native.lastFailure()).toMatchObject({ code: 'ECONNREFUSED', call: 'connect' });
    native.close(client);
  });

  it('answers failed for an address that is another family, not ours or no address', () => {
    const answers = ['::1', '192.0.2.1', 'localhost'].map((address) => {
      expect(native.connect('127.0.0.1', 9, { local: { address, port: 0 } })).toBe(Status.failed);
      const { code, call } = native.lastFailure();
      return `${call} ${code}`;
    });
    expect(answers).toEqual(['bind EAFNOSUPPORT', 'bind EADDRNOTAVAIL', 'inet_pton EINVAL']);
  });
});

describe('socket options', () => {
  const OPTIONS = {
    noDelay: 1,
    keepAlive: 1,
    keepAliveIdleSeconds: 31,
    keepAliveIntervalSeconds: 7,
    keepAliveCount: 3,
    userTimeoutMs: 12_345,
    sendBufferBytes: 65_536,
    receiveBufferBytes: 65_536,
  } satisfies SocketOptions;
  const NAMES = Object.keys(OPTIONS) as (keyof typeof OPTIONS)[];
  const optionsOf = (fd: number) =>
    Object.fromEntries(NAMES.map((name) => [name, native.getOption(fd, name)]));
  /** socket(7): the kernel doubles buffers. */
  const told = { ...OPTIONS, sendBufferBytes: 131_072, receiveBufferBytes: 131_072 };

  it('are set on a socket that connects before it does', () => {
    const listener = listenOnLoopback();
    const client = succeed(native.connect('127.0.0.1', listener.port, { socketOptions: OPTIONS }));
    expect(optionsOf(client)).toEqual(told);
    for (const fd of [client, listener.fd]) native.close(fd);
  });

  it('of a listening socket are inherited by those that it accepts', () => {
    const listener = succeed(
      native.listen('127.0.0.1', 0, 16, { reusePort: false, ipv6Only: false, socketOptions: OPTIONS }),
    );
    const client = succeed(native.connect('127.0.0.1', native.localAddress(listener)!.port));
    const server = acceptFrom(listener);
    expect(optionsOf(server)).toEqual(told);
    expect(optionsOf(client)).not.toEqual(told);
    for (const fd of [listener, client, server]) native.close(fd);
  });

  it('of a listening Unix socket are not inherited, and TCP has no say there', () => {
    const path = `\0sluice-${process.pid}-options`;
    const listener = succeed(native.listenUnix(path, 16, { sendBufferBytes: 65_536 }));
    const client = succeed(native.connectUnix(path, { sendBufferBytes: 65_536 }));
    const server = acceptFrom(listener);
    expect([listener, client].map((fd) => native.getOption(fd, 'sendBufferBytes'))).toEqual([
      131_072, 131_072,
    ]);
    expect(native.getOption(server, 'sendBufferBytes')).not.toBe(131_072);
    expect(native.getOption(server, 'noDelay')).toBeUndefined();
    expect(native.lastFailure()).toMatchObject({ code: 'ENOTSUP', call: 'getsockopt' });
    expect(native.connectUnix(path, { noDelay: 1 })).toBe(Status.failed);
    expect(native.lastFailure()).toMatchObject({ code: 'ENOTSUP', call: 'setsockopt' });
    for (const fd of [listener, client, server]) native.close(fd);
  });

  it('that the kernel refuses leave no socket open', () => {
    const before = native.liveObjects().descriptors;
    const refused = { keepAliveCount: 1000 };
    expect(native.connect('127.0.0.1', 9, { socketOptions: refused })).toBe(Status.failed);
    expect(native.lastFailure()).toMatchObject({ code: 'EINVAL', call: 'setsockopt' });
    expect(
      native.listen('127.0.0.1', 0, 1, { reusePort: false, ipv6Only: false, socketOptions: refused }),
    ).toBe(Status.failed);
    expect(native.liveObjects().descriptors).toBe(before);
  });

  it('are told as they were set', () => {
    const pair = connectedPair();
    expect(native.getOption(pair.client, 'lingerSeconds')).toBe(-1);
    native.setOption(pair.client, 'lingerSeconds', 4);
    expect(native.getOption(pair.client, 'lingerSeconds')).toBe(4);
    expect(native.getOption(pair.client, 'noDelay')).toBe(1);
    native.setOption(pair.client, 'noDelay', 0);
    expect(native.getOption(pair.client, 'noDelay')).toBe(0);
    pair.close();
  });
});

describe('tcpInfo', () => {
  it('tells state, times and counts of a connection', () => {
    const pair = connectedPair();
    sendAll(pair.client, Buffer.alloc(100_000));
    receive(pair.server, 100_000);
    // The last acknowledgement may still be under way; the answer carries it.
    sendAll(pair.server, Buffer.from('got it'));
    receive(pair.client, 6);
    const client = native.tcpInfo(pair.client)!;
    expect(client).toMatchObject({ state: 'established', bytesReceived: 6, unsentBytes: 0 });
    // One more than the bytes: the SYN counts (RFC 4898).
    expect(client.bytesAcked).toBe(100_001);
    expect(client.bytesSent).toBeGreaterThanOrEqual(100_000);
    for (const name of [
      'rttUs',
      'minRttUs',
      'congestionWindowSegments',
      'sendMssBytes',
      'pathMtuBytes',
    ] as const) {
      expect(client[name]).toBeGreaterThan(0);
    }
    expect(native.tcpInfo(pair.server)!.bytesReceived).toBe(100_000);
    native.shutdownWrite(pair.client);
    waitFor([pair.server], Interest.readable);
    expect(native.tcpInfo(pair.server)!.state).toBe('close-wait');
    pair.close();
  });

  it('is undefined for what is no TCP socket', () => {
    const unix = succeed(native.listenUnix(`\0sluice-${process.pid}-info`, 1));
    const plainFile = openSync('/dev/null', 'r');
    for (const [fd, code] of [
      [unix, 'ENOTSUP'],
      [plainFile, 'ENOTSOCK'],
      [1_000_000, 'EBADF'],
    ] as const) {
      expect(native.tcpInfo(fd)).toBeUndefined();
      expect(native.lastFailure()).toMatchObject({ code, call: 'getsockopt' });
    }
    closeSync(plainFile);
    native.close(unix);
  });
});
