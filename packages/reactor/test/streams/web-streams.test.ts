/** What web streams over connections promise, over real sockets. */
import { once } from 'node:events';
import { Duplex } from 'node:stream';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { ClosedError, fromDuplex, fromWebStreams, toWebStreams, type WebStreams } from '../../src/index.ts';
import { leavesNothingBehind, promised, serving, socketTo, textOf } from '../support/stream-server.ts';

const PLENTY = 64 * 1024 * 1024;

leavesNothingBehind();

/** The streams of one connection that was accepted, and its peer. */
async function streamsAndSocket() {
  const accepted = promised<WebStreams>();
  const served = await serving(fromWebStreams((streams) => accepted.resolve(streams)));
  const socket = await socketTo(served.server);
  return { ...served, socket, streams: await accepted.promise };
}

const bytes = (text: string) => Buffer.from(text);

async function textFrom(readable: WebStreams['readable']): Promise<string> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of readable) chunks.push(chunk);
  return String(Buffer.concat(chunks));
}

describe('the readable', () => {
  test('closes when the peer has ended, and our side stays open until it is closed', async () => {
    const { streams, socket } = await streamsAndSocket();
    socket.end('request');
    expect(await textFrom(streams.readable)).toBe('request');
    const writer = streams.writable.getWriter();
    await writer.write(bytes('answer'));
    await writer.close();
    expect(await textOf(socket)).toBe('answer');
    await streams.closed;
  });

  test('reads into memory that it is given, and gives what does not fit to the next read', async () => {
    const { streams, socket } = await streamsAndSocket();
    socket.end('0123456789');
    const reader = streams.readable.getReader({ mode: 'byob' });
    const seen: string[] = [];
    let memory = new ArrayBuffer(4);
    for (;;) {
      const { done, value } = await reader.read(new Uint8Array(memory));
      if (value !== undefined) {
        seen.push(String(Buffer.from(value)));
        memory = value.buffer as ArrayBuffer;
      }
      if (done) break;
    }
    // However the kernel cuts it.
    expect(seen.join('')).toBe('0123456789');
    expect(seen.slice(0, -1).every((piece) => piece.length > 0 && piece.length <= 4)).toBe(true);
    expect(seen.at(-1)).toBe('');
    expect(memory.byteLength).toBe(4);
  });

  test('holds the peer back while nobody reads', async () => {
    const { streams, socket } = await streamsAndSocket();
    socket.end(Buffer.alloc(PLENTY));
    for (let turn = 0; turn < 200; turn += 1) await nextTurn();
    expect(socket.writableLength).toBeGreaterThan(PLENTY / 4);
    expect((await textFrom(streams.readable)).length).toBe(PLENTY);
  });

  test('drops what the peer still sends when it is cancelled, and our side goes on', async () => {
    const { streams, socket } = await streamsAndSocket();
    await streams.readable.cancel('no more of this');
    socket.end(Buffer.alloc(PLENTY));
    const writer = streams.writable.getWriter();
    await writer.write(bytes('still here'));
    await writer.close();
    expect(await textOf(socket)).toBe('still here');
    await streams.closed;
  });

  test('errors with a reset behind what came before', async () => {
    const { streams, socket } = await streamsAndSocket();
    const reader = streams.readable.getReader();
    socket.write('half a mess', () => setImmediate(() => socket.resetAndDestroy()));
    expect(String(Buffer.from((await reader.read()).value ?? []))).toBe('half a mess');
    await expect(reader.read()).rejects.toMatchObject({ name: 'SystemError', code: 'ECONNRESET' });
    await expect(streams.closed).rejects.toMatchObject({ code: 'ECONNRESET' });
  });

  test('errors a read into memory that waits when the connection breaks', async () => {
    const { streams, socket } = await streamsAndSocket();
    const reading = streams.readable.getReader({ mode: 'byob' }).read(new Uint8Array(8));
    socket.resetAndDestroy();
    await expect(reading).rejects.toMatchObject({ code: 'ECONNRESET' });
  });
});

describe('the writable', () => {
  test('is not asked for more than the peer takes', async () => {
    const { streams, socket } = await streamsAndSocket();
    const writer = streams.writable.getWriter();
    const piece = Buffer.alloc(64 * 1024);
    let written = 0;
    const writing = (async () => {
      for (; written < PLENTY; written += piece.length) {
        await writer.ready;
        await writer.write(piece);
      }
      await writer.close();
    })();
    for (let turn = 0; turn < 300; turn += 1) await nextTurn();
    expect(written).toBeLessThan(PLENTY / 2);
    expect((await textOf(socket)).length).toBe(PLENTY);
    await writing;
  });

  test('says that it is closed when everything has left, and not before', async () => {
    const { streams, socket } = await streamsAndSocket();
    const writer = streams.writable.getWriter();
    void writer.write(Buffer.alloc(PLENTY));
    let isClosed = false;
    const closing = writer.close().then(() => {
      isClosed = true;
    });
    for (let turn = 0; turn < 200; turn += 1) await nextTurn();
    expect(isClosed).toBe(false);
    expect((await textOf(socket)).length).toBe(PLENTY);
    await closing;
  });

  test('resets the peer when it is aborted, and errors both sides with the reason', async () => {
    const { streams, socket } = await streamsAndSocket();
    const reading = streams.readable.getReader().read();
    const reason = new Error('given up');
    const broken = once(socket.resume(), 'error');
    const failing = expect(reading).rejects.toBe(reason);
    await streams.writable.abort(reason);
    expect(await broken).toMatchObject([{ code: 'ECONNRESET' }]);
    await failing;
    await expect(streams.closed).rejects.toBe(reason);
  });

  test('takes bytes only, and says so', async () => {
    const { streams } = await streamsAndSocket();
    const writing = streams.writable.getWriter().write('text' as never);
    await expect(writing).rejects.toMatchObject({
      code: 'ERR_OPTION_VALUE',
      message: expect.stringContaining('Uint8Array'),
    });
  });

  test('fails a write that waits when the peer dies, though nobody awaits it', async () => {
    const { streams, socket } = await streamsAndSocket();
    const writer = streams.writable.getWriter();
    void writer.write(Buffer.alloc(PLENTY)).catch(() => {});
    await nextTurn();
    socket.resetAndDestroy();
    await expect(writer.closed).rejects.toMatchObject({
      code: expect.stringMatching(/^(ECONNRESET|EPIPE)$/),
    });
  });
});

test('carries an echo from one to the other, with half-close', async () => {
  const { server } = await serving(fromWebStreams(({ readable, writable }) => readable.pipeTo(writable)));
  const socket = await socketTo(server);
  socket.end('a'.repeat(1_000_000));
  expect((await textOf(socket)).length).toBe(1_000_000);
});

test('takes a connection over in the middle, with what was read, and gives it to no other', async () => {
  const codes: string[] = [];
  const { server } = await serving({
    onOpen: () => {},
    onData(conn, chunk) {
      conn.write('over to you: ');
      const { readable, writable } = toWebStreams(conn, { head: chunk.subarray(2) });
      void readable.pipeTo(writable);
    },
    onClose: () => void codes.push('the protocol before hears nothing more'),
  });
  const socket = await socketTo(server);
  socket.write('> first ');
  await once(socket, 'readable');
  socket.end('second');
  expect(await textOf(socket)).toBe('over to you: first second');
  expect(codes).toEqual([]);
});

test('of a connection that is closed are errored, both of them', async () => {
  const made = promised<WebStreams>();
  const { server } = await serving({
    onOpen: () => {},
    onData(conn) {
      conn.destroy();
      made.resolve(toWebStreams(conn));
    },
  });
  (await socketTo(server)).write('x');
  const { readable, writable, closed } = await made.promise;
  await expect(readable.getReader().read()).rejects.toBeInstanceOf(ClosedError);
  await expect(writable.getWriter().write(bytes('x'))).rejects.toBeInstanceOf(ClosedError);
  await closed;
});

test('a handler that throws costs its connection, is reported once, and errors what it left', async () => {
  const mine = new Error('not like this');
  const left = promised<WebStreams>();
  const { server, errors } = await serving(
    fromWebStreams(async (streams) => {
      left.resolve(streams);
      await streams.readable.getReader().read();
      throw mine;
    }),
  );
  const socket = await socketTo(server);
  const broken = once(socket, 'error');
  socket.write('x');
  expect(await broken).toMatchObject([{ code: 'ECONNRESET' }]);
  expect(errors).toEqual([mine]);
  const { writable, closed } = await left.promise;
  await expect(closed).rejects.toBe(mine);
  await expect(writable.getWriter().closed).rejects.toBe(mine);
});

test('what breaks a connection that nobody looks at is no unhandled rejection', async () => {
  const { socket, streams, errors } = await streamsAndSocket();
  void streams.readable
    .getReader()
    .read()
    .catch(() => {});
  socket.resetAndDestroy();
  await streams.closed.catch(() => {});
  expect(errors).toEqual([]);
});

test('a shutdown lets what was written leave', async () => {
  const { reactor, streams, socket } = await streamsAndSocket();
  void streams.writable.getWriter().write(Buffer.alloc(1_000_000));
  await nextTurn();
  const over = reactor.shutdown({ deadlineMs: 5_000 });
  expect((await textOf(socket)).length).toBe(1_000_000);
  socket.end();
  expect(await over).toMatchObject({ destroyed: 0 });
});

test('has what Node makes of it: a Duplex from the pair', async () => {
  const { streams, socket } = await streamsAndSocket();
  const duplex = Duplex.fromWeb(streams);
  duplex.end('pong');
  socket.end('ping');
  expect(String(Buffer.concat(await duplex.toArray()))).toBe('ping');
  expect(await textOf(socket)).toBe('pong');
});

test('connects, too', async () => {
  const { server, reactor } = await serving(
    fromDuplex((stream) => void stream.on('error', () => {}).pipe(stream)),
  );
  const { state } = await reactor.connect(
    { host: '127.0.0.1', port: server.address()!.port },
    fromWebStreams(),
  );
  const writer = state.writable.getWriter();
  await writer.write(bytes('there and back'));
  await writer.close();
  expect(await textFrom(state.readable)).toBe('there and back');
  await state.closed;
});
