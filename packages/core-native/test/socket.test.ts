import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { describe, expect, it } from 'vitest';
import { Interest, Ready, Status } from '../src/index.ts';
import {
  connectedPair,
  fillSendBuffer,
  listenOnLoopback,
  receive,
  resetPeer,
  sendAll,
  succeed,
  until,
  waitFor,
} from './support/loopback.ts';
import { leavesNothingBehind, native } from './support/native.ts';

leavesNothingBehind();

const PLAIN = { reusePort: false, ipv6Only: false };

/** The descriptor's flags in octal, as proc(5) tells them. */
function flagsOf(fd: number): number {
  const text = readFileSync(`/proc/self/fdinfo/${fd}`, 'latin1');
  return Number.parseInt(/^flags:\s*(\d+)/m.exec(text)![1]!, 8);
}

describe('listening', () => {
  it('takes a port of the kernel and tells which', () => {
    const listener = listenOnLoopback();
    expect(native.localAddress(listener.fd)).toEqual({
      family: 'IPv4',
      address: '127.0.0.1',
      port: listener.port,
    });
    expect(listener.port).toBeGreaterThan(0);
    native.close(listener.fd);
  });

  it('listens on IPv6', () => {
    const fd = succeed(native.listen('::1', 0, 16, { reusePort: false, ipv6Only: true }));
    expect(native.localAddress(fd)).toMatchObject({ family: 'IPv6', address: '::1' });
    native.close(fd);
  });

  it('reaches both families through :: unless ipv6Only is set', () => {
    for (const ipv6Only of [false, true]) {
      const fd = succeed(native.listen('::', 0, 16, { reusePort: false, ipv6Only }));
      // An address that no other program's listener on this port is likely to have.
      const client = native.connect('127.77.0.1', native.localAddress(fd)!.port);
      const reached = client !== Status.failed && connects(client);
      expect(reached).toBe(!ipv6Only);
      if (client >= 0) native.close(client);
      native.close(fd);
    }
  });

  it.each(['filter', 'hopLimit'] as const)(
    'ignores newcomers after refuseNew by %s; who had come is accepted, and can talk',
    (by) => {
      for (const host of ['127.0.0.1', '::1']) {
        const listener = succeed(native.listen('::', 0, 16, PLAIN));
        const { port } = native.localAddress(listener)!;
        const early = succeed(native.connect(host, port));
        expect(native.connectResult(early)).toBe(0);
        if (native.refuseNew(listener, by) === Status.failed) {
          // Allowed to some only, on newer kernels: then it says so, and changes nothing.
          expect(by === 'filter' && native.lastFailure().code).toBe('EPERM');
          native.close(listener);
          native.close(early);
          continue;
        }
        // On loopback a connect that is let in is complete when the call returns.
        const late = succeed(native.connect(host, port));
        expect(native.connectResult(late)).toBe(Status.wantsWrite);
        const accepted = succeed(native.accept(listener));
        native.welcome(accepted);
        sendAll(early, Buffer.from('request'));
        expect(receive(accepted, 7).toString()).toBe('request');
        expect(native.accept(listener)).toBe(Status.wantsRead);
        for (const fd of [listener, early, late, accepted]) native.close(fd);
      }
    },
  );

  it('welcome takes off an accepted socket what it inherited', () => {
    const listener = listenOnLoopback();
    expect(native.refuseNew(listener.fd, 'hopLimit')).toBe(0);
    // As deaf as a connection whose handshake was completed after that.
    const pair = connectedPair();
    expect(native.refuseNew(pair.server, 'hopLimit')).toBe(0);
    sendAll(pair.client, Buffer.from('unheard'));
    expect(native.recv(pair.server, Buffer.alloc(16), 0, 16)).toBe(Status.wantsRead);
    native.welcome(pair.server);
    // The client's kernel sends again what was not acknowledged.
    expect(receive(pair.server, 7).toString()).toBe('unheard');
    pair.close();
    native.close(listener.fd);
  });

  it('answers failed with EADDRINUSE for a port that is taken', () => {
    const listener = listenOnLoopback();
    expect(native.listen('127.0.0.1', listener.port, 16, PLAIN)).toBe(Status.failed);
    expect(native.lastErrno()).toBe(98);
    expect(native.lastFailure()).toMatchObject({
      kind: 'system',
      errno: 98,
      code: 'EADDRINUSE',
      call: 'bind',
      reason: 'Address already in use',
      library: 0,
      reasonCode: 0,
      stack: [],
    });
    native.close(listener.fd);
  });

  it('shares a port between listeners that both ask for it', () => {
    const first = succeed(native.listen('127.0.0.1', 0, 16, { reusePort: true, ipv6Only: false }));
    const { port } = native.localAddress(first)!;
    const second = succeed(native.listen('127.0.0.1', port, 16, { reusePort: true, ipv6Only: false }));
    expect(native.localAddress(second)!.port).toBe(port);
    native.close(first);
    native.close(second);
  });

  it.each([
    'localhost',
    '',
    '1.2.3',
    '256.0.0.1',
    '::g',
    'fe80::1%no-such-interface',
    '127.0.0.1\0',
    '127.0.0.1 ',
  ])('answers failed with EINVAL and says that %j is no numeric address', (address) => {
    expect(native.listen(address, 0, 16, PLAIN)).toBe(Status.failed);
    const failure = native.lastFailure();
    expect(failure).toMatchObject({ kind: 'system', code: 'EINVAL', call: 'inet_pton' });
    expect(failure.reason).toContain('is not a numeric IPv4 or IPv6 address');
    expect(native.connect(address, 80)).toBe(Status.failed);
    expect(native.lastFailure().code).toBe('EINVAL');
  });

  it('takes the scope of a link-local address and tells it back', () => {
    const fd = native.listen('fe80::1%lo', 0, 16, PLAIN);
    // Nobody has this address: what counts is that the kernel was asked for it.
    expect(fd).toBe(Status.failed);
    expect(native.lastFailure()).toMatchObject({ call: 'bind', code: 'EADDRNOTAVAIL' });
  });
});

describe('accepting', () => {
  it('answers wantsRead for an empty backlog', () => {
    const listener = listenOnLoopback();
    expect(native.accept(listener.fd)).toBe(Status.wantsRead);
    native.close(listener.fd);
  });

  it('answers failed with the errno for a descriptor that does not listen', () => {
    const pair = connectedPair();
    expect(native.accept(pair.client)).toBe(Status.failed);
    expect(native.lastFailure()).toMatchObject({ code: 'EINVAL', call: 'accept4' });
    pair.close();
  });

  it('tells the same addresses at both ends', () => {
    const pair = connectedPair();
    expect(native.remoteAddress(pair.server)).toEqual(native.localAddress(pair.client));
    expect(native.remoteAddress(pair.client)).toEqual(native.localAddress(pair.server));
    pair.close();
  });

  it.each([
    ['127.0.0.1', '127.0.0.1', '127.0.0.1'],
    ['::1', '::1', '::1'],
    ['::', '127.0.0.1', '127.0.0.1'],
  ])('tells who was accepted: on %s, connected by %s, it is %s', (host, by, told) => {
    const listener = succeed(native.listen(host, 0, 16, PLAIN));
    const client = succeed(native.connect(by, native.localAddress(listener)!.port));
    const accepted = succeed(until(listener, () => native.accept(listener)));
    expect(native.acceptedAddress()).toBe(told);
    // An empty backlog changes nothing.
    expect(native.accept(listener)).toBe(Status.wantsRead);
    for (const fd of [listener, client, accepted]) native.close(fd);
  });

  it('answers undefined for the address of what is no socket', () => {
    expect(native.localAddress(1_000_000)).toBeUndefined();
    expect(native.lastFailure()).toMatchObject({ code: 'EBADF', call: 'getsockname' });
    expect(native.remoteAddress(1_000_000)).toBeUndefined();
    expect(native.lastFailure()).toMatchObject({ code: 'EBADF', call: 'getpeername' });
  });

  it('tells a Unix socket by its family', async () => {
    const path = `\0sluice-${process.pid}`;
    const server = createServer().listen(path);
    await new Promise((resolve) => server.once('listening', resolve));
    const fd = (server as unknown as { _handle: { fd: number } })._handle.fd;
    // Node before 22 fills the name up with NULs, which makes them part of it (unix(7)).
    const { family, address } = native.localAddress(fd)!;
    expect({ family, address: address.replace(/\0+$/, '') }).toEqual({ family: 'unix', address: path });
    await new Promise((resolve) => server.close(resolve));
  });
});

describe('connecting', () => {
  it('answers failed with ECONNREFUSED where nobody listens', () => {
    const listener = listenOnLoopback();
    native.close(listener.fd);
    const fd = succeed(native.connect('127.0.0.1', listener.port));
    expect(connects(fd)).toBe(false);
    expect(native.lastFailure()).toMatchObject({ code: 'ECONNREFUSED', call: 'connect' });
    native.close(fd);
  });

  it('goes on failing when the result is asked for again', () => {
    const listener = listenOnLoopback();
    native.close(listener.fd);
    const fd = succeed(native.connect('127.0.0.1', listener.port));
    expect(connects(fd)).toBe(false);
    expect(native.connectResult(fd)).toBe(Status.failed);
    expect(native.lastFailure()).toMatchObject({ code: 'ENOTCONN', call: 'connect' });
    native.close(fd);
  });

  it('answers wantsWrite while a connection is being made', () => {
    // A full backlog leaves further connections waiting for an answer to their SYN.
    const listener = listenOnLoopback(0);
    const clients = [0, 1, 2].map(() => succeed(native.connect('127.0.0.1', listener.port)));
    expect(clients.map((fd) => native.connectResult(fd))).toContain(Status.wantsWrite);
    for (const fd of [...clients, listener.fd]) native.close(fd);
  });
});

describe('moving bytes', () => {
  it('delivers into the range that was asked for and nowhere else', () => {
    const pair = connectedPair();
    sendAll(pair.client, Buffer.from('abc'));
    const buffer = Buffer.alloc(8, '.');
    until(pair.server, () => native.recv(pair.server, buffer, 2, 3));
    expect(buffer.toString()).toBe('..abc...');
    pair.close();
  });

  it('peek leaves in the socket what it answers', () => {
    const pair = connectedPair();
    const buffer = Buffer.alloc(8, '.');
    expect(native.peek(pair.server, buffer, 0, 8)).toBe(Status.wantsRead);
    sendAll(pair.client, Buffer.from('abc'));
    expect(until(pair.server, () => native.peek(pair.server, buffer, 2, 2))).toBe(2);
    expect(buffer.toString()).toBe('..ab....');
    expect(receive(pair.server, 3).toString()).toBe('abc');
    expect(native.shutdownWrite(pair.client)).toBe(0);
    expect(until(pair.server, () => native.peek(pair.server, buffer, 0, 8))).toBe(Status.ended);
    pair.close();
  });

  it('sends the range that was asked for, from any kind of view', () => {
    const pair = connectedPair();
    const bytes = new Uint8Array(Buffer.from('0123456789')).subarray(2, 8);
    expect(native.send(pair.client, bytes, 1, 3)).toBe(3);
    const shared = new Uint8Array(new SharedArrayBuffer(4));
    shared.set(Buffer.from('wxyz'));
    expect(native.send(pair.client, shared, 1, 2)).toBe(2);
    expect(receive(pair.server, 5).toString()).toBe('345xy');
    pair.close();
  });

  it('answers wantsRead when nothing is there, and ended after the peer has shut down its side', () => {
    const pair = connectedPair();
    const buffer = Buffer.alloc(8);
    expect(native.recv(pair.server, buffer, 0, 8)).toBe(Status.wantsRead);
    expect(native.shutdownWrite(pair.client)).toBe(0);
    expect(until(pair.server, () => native.recv(pair.server, buffer, 0, 8))).toBe(Status.ended);
    expect(native.recv(pair.server, buffer, 0, 8)).toBe(Status.ended);
    sendAll(pair.server, Buffer.from('still'));
    expect(receive(pair.client, 5).toString()).toBe('still');
    pair.close();
  });

  it('answers wantsWrite when the socket takes no more, and goes on after the peer has read', () => {
    const pair = connectedPair();
    const filled = fillSendBuffer(pair.client);
    expect(native.send(pair.client, Buffer.from('x'), 0, 1)).toBe(Status.wantsWrite);
    expect(receive(pair.server, filled).length).toBe(filled);
    expect(until(pair.client, () => native.send(pair.client, Buffer.from('x'), 0, 1))).toBe(1);
    pair.close();
  });

  it('answers failed with ECONNRESET after a reset', () => {
    const pair = connectedPair();
    resetPeer(pair.client);
    waitFor([pair.server], Interest.readable);
    expect(native.recv(pair.server, Buffer.alloc(1), 0, 1)).toBe(Status.failed);
    expect(native.lastFailure()).toMatchObject({ code: 'ECONNRESET', call: 'recv' });
    native.close(pair.server);
  });

  it('P32 sending to a dead peer answers failed and raises no SIGPIPE', async () => {
    let signals = 0;
    const count = () => {
      signals += 1;
    };
    process.on('SIGPIPE', count);
    const pair = connectedPair();
    resetPeer(pair.client);
    waitFor([pair.server], Interest.readable);
    const answers = [0, 1, 2].map(() => native.send(pair.server, Buffer.from('x'), 0, 1));
    expect(answers).toEqual([Status.failed, Status.failed, Status.failed]);
    expect(native.lastFailure()).toMatchObject({ code: 'EPIPE', call: 'send' });
    await new Promise((resolve) => setImmediate(resolve));
    process.off('SIGPIPE', count);
    expect(signals).toBe(0);
    native.close(pair.server);
  });
});

describe('descriptors', () => {
  it('P13 are non-blocking and close-on-exec from the start', () => {
    const O_NONBLOCK = 0o4000;
    const O_CLOEXEC = 0o2000000;
    const listener = listenOnLoopback();
    const pair = connectedPair();
    for (const fd of [listener.fd, pair.client, pair.server]) {
      expect(flagsOf(fd) & (O_NONBLOCK | O_CLOEXEC)).toBe(O_NONBLOCK | O_CLOEXEC);
    }
    native.close(listener.fd);
    pair.close();
  });

  it('P13 do not reach a child process', () => {
    const pair = connectedPair();
    const epoll = new native.Epoll(new Int32Array(3));
    const { stdout } = spawnSync('ls', ['-l', '/proc/self/fd'], { encoding: 'utf8' });
    const beyondStdio = stdout.split('\n').filter((line) => /(?:[3-9]|\d{2,}) -> /.test(line));
    expect(beyondStdio.length).toBeGreaterThan(0);
    expect(beyondStdio.join()).not.toMatch(/socket:|eventpoll/);
    epoll.close();
    pair.close();
  });

  it('P10 P13 may be held in reserve, close-on-exec, counted and closed as any other', () => {
    const before = native.liveObjects().descriptors;
    const fd = succeed(native.reserve());
    expect(native.liveObjects().descriptors).toBe(before + 1);
    expect(flagsOf(fd) & 0o2000000).toBe(0o2000000);
    native.close(fd);
    expect(native.liveObjects().descriptors).toBe(before);
    expect(() => readFileSync(`/proc/self/fdinfo/${fd}`)).toThrow('ENOENT');
  });

  it('may be closed when they are closed already', () => {
    expect(native.close(1_000_000)).toBeUndefined();
  });
});

describe('options', () => {
  it.each([
    ['noDelay', 1],
    ['keepAlive', 1],
    ['keepAlive', 0],
    ['sendBufferBytes', 8192],
    ['receiveBufferBytes', 8192],
    ['lingerSeconds', 0],
    ['lingerSeconds', -1],
  ] as const)('takes %s %i', (option, value) => {
    const pair = connectedPair();
    expect(native.setOption(pair.client, option, value)).toBe(0);
    pair.close();
  });

  it('answers failed where the kernel refuses', () => {
    expect(native.setOption(1_000_000, 'noDelay', 1)).toBe(Status.failed);
    expect(native.lastFailure()).toMatchObject({ code: 'EBADF', call: 'setsockopt' });
  });
});

/** Whether a connection under way comes about. */
function connects(fd: number): boolean {
  for (;;) {
    const result = native.connectResult(fd);
    if (result !== Status.wantsWrite) return result === 0;
    expect(waitFor([fd], Interest.writable) & Ready.writable).toBeTruthy();
  }
}
