import { once } from 'node:events';
import { createServer, type Server as NodeServer } from 'node:net';
import { loadNative, type SocketOption } from '@sluice/core-native';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Connection, createReactor, type Protocol, type Reactor } from '../src/index.ts';
import { openSockets } from './support/descriptors.ts';

let before: string[];
let reactor: Reactor;
let errors: Error[];

beforeEach(() => {
  before = openSockets();
  errors = [];
  reactor = createReactor({ onError: (error) => errors.push(error) });
});

afterEach(async () => {
  await reactor.shutdown({ deadlineMs: 0 });
  expect(openSockets()).toEqual(before);
  expect(errors).toEqual([]);
});

/** A loopback address where no other program takes ports: one that was free a moment ago still is. */
const QUIET = '127.0.0.77';

const idle: Protocol = { onOpen: () => {} };

/** A protocol that keeps its connections, and a promise of the first. */
function keeping(): { protocol: Protocol; opened: Promise<Connection> } {
  let tell: (conn: Connection) => void = () => {};
  const opened = new Promise<Connection>((resolve) => {
    tell = resolve;
  });
  return { protocol: { onOpen: (conn) => tell(conn) }, opened };
}

/** The descriptor of a connection, which is nobody's business but a test's. */
function optionOf(conn: Connection, option: SocketOption): number | undefined {
  return loadNative().getOption(
    (conn as unknown as { registration: { fd: number } }).registration.fd,
    option,
  );
}

async function listeningNode(host: string): Promise<{ server: NodeServer; port: number }> {
  const server = createServer().listen(0, host);
  await once(server, 'listening');
  return { server, port: (server.address() as { port: number }).port };
}

async function closed(server: NodeServer): Promise<void> {
  server.close();
  await once(server, 'close');
}

describe('listening', () => {
  test.each([
    ['127.0.0.1', 'IPv4'],
    ['::1', 'IPv6'],
  ])('on %s alone it tells that address', async (host, family) => {
    const server = await reactor.listen({ port: 0, host }, idle);
    expect(server.address()).toEqual({ family, address: host, port: expect.any(Number) });
    const conn = await reactor.connect({ host, port: server.address()!.port }, idle);
    expect(conn.remoteAddress).toEqual(server.address());
  });

  test('with ipv6Only IPv4 is left to another server of the same port', async () => {
    const six = await reactor.listen({ port: 0, ipv6Only: true }, idle);
    const { port } = six.address()!;
    expect(six.address()).toEqual({ family: 'IPv6', address: '::', port });
    await expect(reactor.connect({ host: QUIET, port }, idle)).rejects.toMatchObject({
      code: 'ECONNREFUSED',
    });
    const four = await reactor.listen({ port, host: QUIET }, idle);
    for (const [host, server] of [
      ['::1', six],
      [QUIET, four],
    ] as const) {
      const { protocol, opened } = keeping();
      await reactor.connect({ host, port }, protocol);
      await opened;
      while (server.connections === 0) await new Promise((resolve) => setImmediate(resolve));
    }
  });

  test('with ipv6Only a name must have an IPv6 address', async () => {
    const server = await reactor
      .listen({ port: 0, host: 'localhost', ipv6Only: true }, idle)
      .catch((error) => {
        // A machine whose localhost is IPv4 alone says so.
        expect(error).toMatchObject({ name: 'HostError', code: 'ERR_HOST' });
      });
    if (server) expect(server.address()).toMatchObject({ family: 'IPv6', address: '::1' });
  });

  test('without ipv6Only an IPv4 server on the same port is in the way', async () => {
    const both = await reactor.listen({ port: 0 }, idle);
    const { port } = both.address()!;
    await expect(reactor.listen({ port, host: '0.0.0.0' }, idle)).rejects.toMatchObject({
      code: 'EADDRINUSE',
    });
  });

  test('with reusePort two reactors share a port', async () => {
    const first = await reactor.listen({ port: 0, host: '127.0.0.1', reusePort: true }, idle);
    const { port } = first.address()!;
    const other = createReactor();
    const second = await other.listen({ port, host: '127.0.0.1', reusePort: true }, idle);
    expect(second.address()).toEqual(first.address());
    await expect(other.listen({ port, host: '127.0.0.1' }, idle)).rejects.toMatchObject({
      code: 'EADDRINUSE',
    });
    await other.shutdown();
  });
});

describe('socket options', () => {
  const OPTIONS = {
    keepAlive: { idleSeconds: 33, intervalSeconds: 5, count: 4 },
    userTimeoutMs: 12_000,
    sendBufferBytes: 64 * 1024,
    receiveBufferBytes: 32 * 1024,
  };
  /** socket(7): the kernel doubles what buffers are set to. */
  const TOLD: readonly (readonly [SocketOption, number])[] = [
    ['noDelay', 1],
    ['keepAlive', 1],
    ['keepAliveIdleSeconds', 33],
    ['keepAliveIntervalSeconds', 5],
    ['keepAliveCount', 4],
    ['userTimeoutMs', 12_000],
    ['sendBufferBytes', 128 * 1024],
    ['receiveBufferBytes', 64 * 1024],
  ];
  const toldBy = (conn: Connection) => TOLD.map(([option]) => [option, optionOf(conn, option)]);

  test('of listen are those of every connection that it accepts', async () => {
    const { protocol, opened } = keeping();
    const server = await reactor.listen({ port: 0, host: '127.0.0.1', ...OPTIONS }, protocol);
    await reactor.connect({ host: '127.0.0.1', port: server.address()!.port }, idle);
    expect(toldBy(await opened)).toEqual(TOLD);
  });

  test('of connect are set on its socket', async () => {
    const { server, port } = await listeningNode('127.0.0.1');
    const conn = await reactor.connect({ host: '127.0.0.1', port, ...OPTIONS }, idle);
    expect(toldBy(conn)).toEqual(TOLD);
    conn.destroy();
    await closed(server);
  });

  test('have their defaults at both ends: noDelay, and the rest as the system has it', async () => {
    const { protocol, opened } = keeping();
    const server = await reactor.listen({ port: 0, host: '127.0.0.1' }, protocol);
    const client = await reactor.connect({ host: '127.0.0.1', port: server.address()!.port }, idle);
    for (const conn of [client, await opened]) {
      expect([
        optionOf(conn, 'noDelay'),
        optionOf(conn, 'keepAlive'),
        optionOf(conn, 'userTimeoutMs'),
      ]).toEqual([1, 0, 0]);
    }
  });

  test('noDelay can be had off at both ends', async () => {
    const { protocol, opened } = keeping();
    const server = await reactor.listen({ port: 0, host: '127.0.0.1', noDelay: false }, protocol);
    const { port } = server.address()!;
    const client = await reactor.connect({ host: '127.0.0.1', port, noDelay: false, keepAlive: true }, idle);
    expect([client, await opened].map((conn) => optionOf(conn, 'noDelay'))).toEqual([0, 0]);
    expect(optionOf(client, 'keepAlive')).toBe(1);
  });
});

describe('connecting', () => {
  test('from a chosen address and port', async () => {
    const { protocol, opened } = keeping();
    const server = await reactor.listen({ port: 0, host: '127.0.0.1' }, protocol);
    const free = await listeningNode(QUIET);
    await closed(free.server);
    await reactor.connect(
      { host: '127.0.0.1', port: server.address()!.port, localAddress: QUIET, localPort: free.port },
      idle,
    );
    expect((await opened).remoteAddress).toEqual({ family: 'IPv4', address: QUIET, port: free.port });
  });

  test('from an address that this machine does not have is refused, and says so', async () => {
    const refused = reactor.connect({ host: '127.0.0.1', port: 9, localAddress: '192.0.2.1' }, idle);
    await expect(refused).rejects.toMatchObject({ name: 'SystemError', code: 'EADDRNOTAVAIL', call: 'bind' });
  });

  test('to itself, on a port where nobody listens, is refused as any other', async () => {
    const { server, port } = await listeningNode(QUIET);
    await closed(server);
    await expect(
      reactor.connect({ host: QUIET, port, localAddress: QUIET, localPort: port }, idle),
    ).rejects.toMatchObject({ name: 'SystemError', code: 'ECONNREFUSED' });
  });

  test('to a name whose first address refuses, the second is had', async () => {
    // Whichever family localhost has first, the server has one of them only.
    for (const host of ['127.0.0.1', '::1']) {
      const { server, port } = await listeningNode(host);
      const conn = await reactor.connect({ host: 'localhost', port }, idle).catch((error: unknown) => {
        // A machine whose localhost has no such address.
        expect(error).toMatchObject({ code: 'ECONNREFUSED' });
      });
      conn?.destroy();
      await closed(server);
    }
  });

  test('a signal ends a connect to an address that never answers', async () => {
    // A full backlog drops the SYN; the kernel sends it again after a second.
    const native = loadNative();
    const full = native.listen('127.0.0.1', 0, 0, { reusePort: false, ipv6Only: false });
    const { port } = native.localAddress(full)!;
    const fillers = [0, 1, 2].map(() => native.connect('127.0.0.1', port));
    const controller = new AbortController();
    const unanswered = reactor.connect({ host: '127.0.0.1', port, signal: controller.signal }, idle);
    for (let turn = 0; turn < 3; turn += 1) await new Promise((resolve) => setImmediate(resolve));
    controller.abort('changed my mind');
    await expect(unanswered).rejects.toBe('changed my mind');
    for (const fd of [full, ...fillers]) native.close(fd);
  });

  test('a signal with a time limit rejects with its TimeoutError while a peer is silent in the handshake', async () => {
    const { server, port } = await listeningNode('127.0.0.1');
    const signal = AbortSignal.timeout(20);
    const silent = {
      name: 'never done',
      connect: (fd: number) => ({
        name: 'never done',
        secure: false,
        applicationProtocol: undefined,
        drained: false,
        handshake: () => -1,
        read: () => -1,
        write: () => -2,
        shutdownWrite: () => 0,
        failure: () => ({ reason: 'error' as const, error: new Error('none') }),
        close: () => loadNative().close(fd),
      }),
    };
    await expect(
      reactor.connect({ host: '127.0.0.1', port, transport: silent, signal }, idle),
    ).rejects.toMatchObject({
      name: 'TimeoutError',
    });
    await closed(server);
  });
});

describe('tcpInfo', () => {
  test('tells of an open connection, and nothing of a closed one', async () => {
    const server = await reactor.listen(
      { port: 0, host: '127.0.0.1' },
      { onOpen: () => {}, onData: (conn, chunk) => conn.write(chunk) },
    );
    let back: () => void = () => {};
    const came = new Promise<void>((resolve) => {
      back = resolve;
    });
    const conn = await reactor.connect(
      { host: '127.0.0.1', port: server.address()!.port },
      { onOpen: (opened) => void opened.write('twelve bytes'), onData: back },
    );
    await came;
    const info = conn.tcpInfo();
    expect(info).toMatchObject({ state: 'established', bytesReceived: 12, totalRetransmits: 0 });
    expect(info?.rttUs).toBeGreaterThan(0);
    conn.destroy();
    expect(conn.tcpInfo()).toBeUndefined();
  });
});
