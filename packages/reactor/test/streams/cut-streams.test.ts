/** P26 A stream that was cut never looks complete: its peer is reset, behind what has left, however it is given up. */
import { once } from 'node:events';
import { describe, expect, test } from 'vitest';
import {
  type Connection,
  type ConnectionDuplex,
  fromAsync,
  fromDuplex,
  fromWebStreams,
  type Protocol,
  toDuplex,
  toWebStreams,
} from '../../src/index.ts';
import { leavesNothingBehind, serving, socketTo } from '../support/stream-server.ts';
import { wirePeer } from '../support/wire-peer.ts';

const PART = 'part of it';
const LOST = new Error('the rest is lost');

leavesNothingBehind();

/** Each is cut when the first byte has come: the peer is connected by then. */
const ways: Record<string, Protocol<never> | Protocol<unknown>> = {
  'a duplex that is destroyed with an error, in a listener': fromDuplex(
    (stream) => void stream.once('data', () => writeAndDestroy(stream)),
  ),
  'a duplex that is destroyed with an error, in a turn of its own': fromDuplex(
    (stream) => void stream.once('data', () => setImmediate(() => writeAndDestroy(stream))),
  ),
  'a duplex that took the connection over just now': {
    onOpen: () => {},
    onData: (conn: Connection) => writeAndDestroy(toDuplex(conn)),
  },
  'a duplex that is destroyed with an error when its write was taken': fromDuplex((stream) => {
    stream.on('error', () => {}).once('data', () => stream.write(PART, () => stream.destroy(LOST)));
  }),
  'a duplex that is reset': fromDuplex((stream) => {
    stream.once('data', () => {
      stream.write(PART);
      stream.resetAndDestroy();
    });
  }),
  'a web stream that is aborted when its write was taken': fromWebStreams(async ({ readable, writable }) => {
    await readable.getReader().read();
    const writer = writable.getWriter();
    await writer.write(Buffer.from(PART));
    await writer.abort(LOST);
  }),
  'a web stream that is aborted with its write, for no reason': fromWebStreams(
    async ({ readable, writable }) => {
      await readable.getReader().read();
      const writer = writable.getWriter();
      writer.write(Buffer.from(PART)).catch(() => {});
      await writer.abort();
    },
  ),
  'a web stream that took the connection over just now': {
    onOpen: () => {},
    onData(conn: Connection) {
      const writer = toWebStreams(conn).writable.getWriter();
      writer.write(Buffer.from(PART)).catch(() => {});
      void writer.abort(LOST);
    },
  },
  'a handler of web streams that throws': fromWebStreams(async ({ readable, writable }) => {
    await readable.getReader().read();
    await writable.getWriter().write(Buffer.from(PART));
    throw LOST;
  }),
  'a generator that throws behind a yield': fromAsync(async function* (conn) {
    for await (const _chunk of conn) {
      yield PART;
      throw LOST;
    }
  }),
  'an async function that throws beside a write': fromAsync(async (conn) => {
    for await (const _chunk of conn) {
      void conn.write(PART);
      throw LOST;
    }
  }),
  'an async function that destroys behind a write': fromAsync(async (conn) => {
    for await (const _chunk of conn) {
      await conn.write(PART);
      conn.destroy(LOST);
    }
  }),
};

function writeAndDestroy(stream: ConnectionDuplex): void {
  stream.on('error', () => {}).write(PART);
  stream.destroy(LOST);
}

describe('resets the peer of', () => {
  test.each(Object.entries(ways))('%s', async (_way, protocol) => {
    const { server } = await serving(protocol as Protocol<unknown>);
    const end = await (await wirePeer(server, 'x')).closed;
    expect(end).toMatchObject({ hasEnded: false, reason: 'reset', code: 'ECONNRESET' });
    expect(PART.startsWith(end.text)).toBe(true);
  });
});

test('sends what a duplex wrote last ahead of the reset, as a server that refuses a request does', async () => {
  const { server } = await serving(
    fromDuplex((stream) => void stream.once('data', () => writeAndDestroy(stream))),
  );
  const { text, code } = await (await wirePeer(server, 'x')).closed;
  expect([text, code]).toEqual([PART, 'ECONNRESET']);
});

test("is a reset to Node's own sockets as well, though some of them tell of an end first", async () => {
  const { server } = await serving(
    fromDuplex((stream) => void stream.once('data', () => writeAndDestroy(stream))),
  );
  const socket = await socketTo(server);
  socket.write('x');
  const told = await once(socket.resume(), 'end').then(
    () => 'end',
    (error: { code: string }) => error.code,
  );
  // libuv before its #4997 makes an end of a reset that comes with data; a write tells them apart.
  if (told === 'ECONNRESET') return;
  const refused = once(socket, 'error');
  socket.write('y');
  expect(await refused).toMatchObject([{ code: 'ECONNRESET' }]);
});
