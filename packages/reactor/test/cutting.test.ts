/** Whoever did not get everything sees that: FIN is for connections that ended in order. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Connection, Protocol, Reactor } from '../src/index.ts';
import { FakeClock, timedReactor } from '../src/testing/index.ts';

let clock: FakeClock;
let reactor: Reactor;

beforeEach(() => {
  clock = new FakeClock();
  reactor = timedReactor(clock, {
    onError: () => {},
    limits: { idleTimeoutMs: 1_000, closeTimeoutMs: 500, maxQueuedBytes: 1024 * 1024 },
  });
});

afterEach(() => reactor.shutdown({ deadlineMs: 0 }));

/** A client that has got one byte of a connection whose protocol is that; and the connection. */
async function open(protocol: Partial<Protocol> = {}): Promise<{ socket: Socket; conn: Connection }> {
  let conn: Connection | undefined;
  const onOpen = (opened: Connection) => {
    conn = opened;
    opened.write('x');
  };
  const server = await reactor.listen(
    { port: 0, host: '127.0.0.1' },
    { onEnd: () => {}, ...protocol, onOpen },
  );
  const socket = connect({ port: server.address()!.port, host: '127.0.0.1', allowHalfOpen: true });
  await once(socket, 'data');
  return { socket, conn: conn! };
}

/** How it ended, as the peer sees it. */
async function endOf(socket: Socket): Promise<string> {
  return once(socket.resume(), 'end').then(
    () => 'end',
    (error: { code: string }) => error.code,
  );
}

describe('P26 the peer of a connection that is closed', () => {
  test('with an error is reset', async () => {
    const { socket, conn } = await open();
    conn.destroy(new Error('enough'));
    expect(await endOf(socket)).toBe('ECONNRESET');
  });

  test('by a hook that throws is reset', async () => {
    const onData = () => {
      throw new Error('from onData');
    };
    const { socket } = await open({ onData });
    socket.write('y');
    expect(await endOf(socket)).toBe('ECONNRESET');
  });

  test('by a deadline with bytes still queued is reset', async () => {
    const { socket, conn } = await open();
    socket.pause();
    while (conn.queuedBytes === 0 || !conn.needsDrain) {
      conn.write(Buffer.alloc(256 * 1024));
      await new Promise(setImmediate);
    }
    clock.advance(1_200);
    expect(conn.lifecycle).toBe('closed');
    // Node's client makes an end of a reset that comes with data (libuv before that of Node 24); a write tells them apart.
    if ((await endOf(socket)) === 'ECONNRESET') return;
    const refused = once(socket, 'error');
    socket.write('y');
    expect(await refused).toMatchObject([{ code: 'ECONNRESET', syscall: 'write' }]);
  });

  test('by a deadline that finds everything sent sees the end', async () => {
    const { socket, conn } = await open();
    clock.advance(1_200);
    expect(conn.lifecycle).toBe('closed');
    expect(await endOf(socket)).toBe('end');
    socket.destroy();
  });

  test('by a cap is reset', async () => {
    const { socket, conn } = await open();
    conn.write(Buffer.alloc(32 * 1024 * 1024));
    expect(await endOf(socket)).toBe('ECONNRESET');
  });

  test('without an error sees the end', async () => {
    const { socket, conn } = await open();
    conn.destroy();
    expect(await endOf(socket)).toBe('end');
    socket.destroy();
  });

  test('after our side has ended, and by a deadline then, has seen the end already', async () => {
    const { socket, conn } = await open();
    conn.close();
    expect(await endOf(socket)).toBe('end');
    const closed = once(socket, 'close');
    clock.advance(700);
    expect(conn.lifecycle).toBe('closed');
    socket.end();
    await closed;
  });
});
