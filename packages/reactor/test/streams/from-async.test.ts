/** What protocols from async functions and generators promise, over real sockets. */
import { once } from 'node:events';
import { setImmediate as nextTurn, setTimeout as sleepUntil } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { type AsyncConnection, ClosedError, fromAsync, fromDuplex } from '../../src/index.ts';
import { leavesNothingBehind, promised, serving, socketTo, textOf } from '../support/stream-server.ts';

const PLENTY = 64 * 1024 * 1024;

leavesNothingBehind();

describe('an iteration', () => {
  test('gives chunks that are its own, in order, until the peer has ended', async () => {
    const { server } = await serving(
      fromAsync(async function* (conn) {
        const chunks: Buffer[] = [];
        for await (const chunk of conn) chunks.push(chunk);
        yield Buffer.concat(chunks);
      }),
    );
    const socket = await socketTo(server);
    for (const letter of ['a', 'b', 'c']) {
      socket.write(letter.repeat(1000));
      await nextTurn();
    }
    socket.end();
    expect(await textOf(socket)).toBe('a'.repeat(1000) + 'b'.repeat(1000) + 'c'.repeat(1000));
  });

  test('is left by break without an end or a loss: the next one goes on there', async () => {
    const { server } = await serving(
      fromAsync(async function* (conn) {
        for await (const chunk of conn) {
          conn.unshift(chunk.subarray(chunk.indexOf('\n') + 1));
          break;
        }
        yield 'greeted, ';
        for await (const chunk of conn) yield chunk;
      }),
    );
    const socket = await socketTo(server);
    socket.write('hello\nfirst ');
    await once(socket, 'readable');
    socket.end('second');
    expect(await textOf(socket)).toBe('greeted, first second');
  });

  test('holds the peer back while nobody asks, with one chunk in hand', async () => {
    const handled = promised<AsyncConnection>();
    const reading = promised();
    let read = 0;
    const { server } = await serving(
      fromAsync(async (conn) => {
        handled.resolve(conn);
        await reading.promise;
        for await (const chunk of conn) read += chunk.length;
        await conn.end('all of it');
      }),
    );
    const socket = await socketTo(server);
    socket.end(Buffer.alloc(PLENTY));
    const { connection } = await handled.promise;
    for (let turn = 0; turn < 200; turn += 1) await nextTurn();
    expect(socket.writableLength).toBeGreaterThan(PLENTY / 4);
    expect(connection.readHalf).toBe('paused');
    reading.resolve();
    expect(await textOf(socket)).toBe('all of it');
    expect(read).toBe(PLENTY);
  });

  test('throws what broke the connection behind what came before, and that is not reported', async () => {
    const seen: string[] = [];
    const over = promised<unknown>();
    const { server, errors } = await serving(
      fromAsync(async (conn) => {
        try {
          for await (const chunk of conn) seen.push(String(chunk));
        } catch (error) {
          over.resolve(error);
          throw error;
        }
      }),
    );
    const socket = await socketTo(server);
    socket.write('half a mess', () => setImmediate(() => socket.resetAndDestroy()));
    expect(await over.promise).toMatchObject({ name: 'SystemError', code: 'ECONNRESET' });
    expect(seen).toEqual(['half a mess']);
    await nextTurn();
    expect(errors).toEqual([]);
  });
});

describe('a generator', () => {
  test('is not asked for more than the peer takes', async () => {
    let yielded = 0;
    const { server } = await serving(
      fromAsync(async function* () {
        const piece = Buffer.alloc(64 * 1024);
        for (; yielded < PLENTY; yielded += piece.length) yield piece;
      }),
    );
    const socket = await socketTo(server);
    for (let turn = 0; turn < 300; turn += 1) await nextTurn();
    expect(yielded).toBeLessThan(PLENTY / 2);
    expect((await textOf(socket)).length).toBe(PLENTY);
    expect(yielded).toBe(PLENTY);
  });

  test('runs its finally at the yield where it waits when the peer dies', async () => {
    const caught = promised<unknown>();
    const left = promised();
    const blocked = promised<AsyncConnection>();
    const { server, errors } = await serving(
      fromAsync(async function* (conn) {
        blocked.resolve(conn);
        try {
          yield Buffer.alloc(PLENTY);
        } catch (error) {
          caught.resolve(error);
          throw error;
        } finally {
          left.resolve();
        }
      }),
    );
    const socket = await socketTo(server);
    const conn = await blocked.promise;
    while (!conn.connection.needsDrain) await nextTurn();
    socket.resetAndDestroy();
    expect(await caught.promise).toMatchObject({ code: expect.stringMatching(/^(ECONNRESET|EPIPE)$/) });
    await left.promise;
    expect(errors).toEqual([]);
  });

  test('that yields on when its peer is gone is asked to leave, and runs its finally', async () => {
    const left = promised<number>();
    const { server, errors } = await serving(
      fromAsync(async function* () {
        let failures = 0;
        try {
          for (;;) {
            try {
              yield Buffer.alloc(64 * 1024);
            } catch {
              failures += 1;
            }
          }
        } finally {
          left.resolve(failures);
        }
      }),
    );
    const socket = await socketTo(server);
    await once(socket, 'readable');
    socket.resetAndDestroy();
    expect(await left.promise).toBe(1);
    expect(errors).toEqual([]);
  });

  test('ends our side by its return, behind all that it yielded', async () => {
    const { server } = await serving(
      fromAsync(async function* () {
        yield 'one, ';
        yield Buffer.from('two');
      }),
    );
    const socket = await socketTo(server);
    expect(await textOf(socket)).toBe('one, two');
    // Our side only: the peer may end its own when it likes.
    expect(socket.writable).toBe(true);
  });

  test('destroys the connection with what it throws, which is reported once', async () => {
    const mine = new Error('not like this');
    let closed: unknown;
    const { server, errors } = await serving(
      fromAsync(async function* (conn) {
        conn.signal.addEventListener('abort', () => {
          closed = conn.signal.reason;
        });
        for await (const _chunk of conn) {
          yield '';
          throw mine;
        }
      }),
    );
    const socket = await socketTo(server);
    const broken = once(socket, 'error');
    socket.write('x');
    expect(await broken).toMatchObject([{ code: 'ECONNRESET' }]);
    expect(errors).toEqual([mine]);
    expect(closed).toBe(mine);
  });

  test('that yields what is neither text nor bytes is told so, and costs its connection', async () => {
    const { server, errors } = await serving(
      fromAsync(async function* (conn) {
        for await (const _chunk of conn) yield 7 as unknown as string;
      }),
    );
    const socket = await socketTo(server);
    const broken = once(socket, 'error');
    socket.write('x');
    expect(await broken).toMatchObject([{ code: 'ECONNRESET' }]);
    expect(errors).toMatchObject([{ code: 'ERR_OPTION_VALUE' }]);
  });
});

describe('what the handler does beside', () => {
  test('a write that nobody awaits fails alone, and is no unhandled rejection', async () => {
    const failed = promised<unknown>();
    const { server } = await serving(
      fromAsync(async (conn) => {
        void conn.write(Buffer.alloc(PLENTY));
        conn.write('behind it').catch((error: unknown) => failed.resolve(error));
        void conn.end();
        for await (const _chunk of conn) conn.destroy();
      }),
    );
    (await socketTo(server)).write('x');
    expect(await failed.promise).toBeInstanceOf(ClosedError);
  });

  test('refuses to write after end, and to change the connection beside a write', async () => {
    const seen = promised<unknown[]>();
    const { server } = await serving(
      fromAsync(async (conn) => {
        void conn.write(Buffer.alloc(PLENTY));
        const codes: unknown[] = [];
        for (const change of [
          () => conn.become(fromDuplex()),
          () => conn.upgrade({ name: 'none', accept: () => expect.fail() } as never),
        ]) {
          try {
            void change();
          } catch (error) {
            codes.push((error as { code: string }).code);
          }
        }
        void conn.end();
        codes.push(await conn.write('late').catch((error: { code: string }) => error.code));
        seen.resolve(codes);
        conn.destroy();
      }),
    );
    await socketTo(server);
    expect(await seen.promise).toEqual(['ERR_BECOME', 'ERR_UPGRADE', 'ERR_CONNECTION_CLOSED']);
  });

  test('end resolves when everything has left, and reading goes on', async () => {
    const { server } = await serving(
      fromAsync(async (conn) => {
        await conn.end('bye');
        let heard = '';
        for await (const chunk of conn) heard += chunk;
        await expect(conn.write('more')).rejects.toBeInstanceOf(ClosedError);
        heardAll.resolve(heard);
      }),
    );
    const heardAll = promised<string>();
    const socket = await socketTo(server);
    expect(await textOf(socket)).toBe('bye');
    socket.end('and thanks');
    expect(await heardAll.promise).toBe('and thanks');
  });

  test('signal aborts what else is waited for when the peer dies, and that is not reported', async () => {
    const aborted = promised<unknown>();
    const waiting = promised();
    const { server, errors } = await serving(
      fromAsync(async (conn) => {
        const wait = sleepUntil(3_600_000, undefined, { signal: conn.signal });
        waiting.resolve();
        try {
          await Promise.all([wait, readOn(conn)]);
        } catch (error) {
          aborted.resolve(conn.signal.reason);
          throw error;
        }
      }),
    );
    const socket = await socketTo(server);
    await waiting.promise;
    socket.resetAndDestroy();
    expect(await aborted.promise).toMatchObject({ code: 'ECONNRESET' });
    await nextTurn();
    expect(errors).toEqual([]);
  });

  test('become hands the connection over, with what was put back, and the handler has no more to do with it', async () => {
    const refused = promised<unknown>();
    const { server, errors } = await serving(
      fromAsync(async (conn) => {
        for await (const chunk of conn) {
          conn.unshift(chunk.subarray(1));
          break;
        }
        const echo = fromDuplex((stream) => void stream.on('error', () => {}).pipe(stream));
        expect(conn.become(echo, Buffer.from('head, '))).toBe(true);
        conn.destroy();
        refused.resolve(await conn.write('mine').catch((error: unknown) => error));
        throw new Error('what it throws now is told, and costs nothing');
      }),
    );
    const socket = await socketTo(server);
    socket.write('>rest, ');
    expect(await refused.promise).toBeInstanceOf(ClosedError);
    await nextTurn();
    socket.end('and more');
    expect(await textOf(socket)).toBe('head, rest, and more');
    expect(errors).toMatchObject([{ message: 'what it throws now is told, and costs nothing' }]);
  });
});

describe('a shutdown', () => {
  test('lets what was written leave, and wakes who waits with a ClosedError that is not reported', async () => {
    const woken = promised<unknown>();
    const ready = promised();
    const { reactor, server, errors } = await serving(
      fromAsync(async (conn) => {
        await conn.write('last words');
        ready.resolve();
        try {
          await readOn(conn);
        } catch (error) {
          woken.resolve(error);
          throw error;
        }
      }),
    );
    const socket = await socketTo(server);
    await ready.promise;
    const over = reactor.shutdown({ deadlineMs: 5_000 });
    expect(await textOf(socket)).toBe('last words');
    socket.end();
    expect(await over).toMatchObject({ destroyed: 0 });
    expect(await woken.promise).toBeInstanceOf(ClosedError);
    expect(errors).toEqual([]);
  });

  test('leaves a handler that has asked for its signal to finish', async () => {
    const ready = promised();
    const { reactor, server } = await serving(
      fromAsync(async function* (conn) {
        const told = once(conn.shutdownSignal, 'abort');
        ready.resolve();
        await told;
        yield 'closing ';
        yield 'time';
      }),
    );
    const socket = await socketTo(server);
    await ready.promise;
    const over = reactor.shutdown({ deadlineMs: 5_000 });
    expect(await textOf(socket)).toBe('closing time');
    socket.end();
    expect(await over).toMatchObject({ destroyed: 0 });
  });
});

async function readOn(conn: AsyncConnection): Promise<void> {
  for await (const _chunk of conn);
}
