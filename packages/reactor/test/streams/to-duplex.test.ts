/** What streams over connections promise beyond what Node's sockets do, and how they come to be. */
import { once } from 'node:events';
import { connect } from 'node:net';
import { finished } from 'node:stream/promises';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import {
  type Connection,
  type ConnectionDuplex,
  createReactor,
  fromDuplex,
  type Protocol,
  type ReactorOptions,
  toDuplex,
  UsageError,
} from '../../src/index.ts';
import { FakeClock, timedReactor } from '../../src/testing/index.ts';
import { Client } from '../support/client.ts';
import { openSockets } from '../support/descriptors.ts';

/** For streams that may be there still when their test is over, and the reactor shuts down. */
const ofNobody = () => {};

/** Errors that hooks threw are in `errors`. */
async function listening<State>(protocol: Protocol<State>, options: ReactorOptions = {}, clock?: FakeClock) {
  const errors: Error[] = [];
  const settings = { poisonReads: true, onError: (error: Error) => errors.push(error), ...options };
  const reactor = clock === undefined ? createReactor(settings) : timedReactor(clock, settings);
  onTestFinished(async () => void (await reactor.shutdown({ deadlineMs: 0 }).catch(() => {})));
  const server = await reactor.listen({ host: '127.0.0.1', port: 0 }, protocol);
  return { reactor, server, errors };
}

async function streamAndClient(options: ReactorOptions = {}, clock?: FakeClock) {
  let accept = (_stream: ConnectionDuplex) => {};
  const accepted = new Promise<ConnectionDuplex>((resolve) => {
    accept = resolve;
  });
  const made = await listening(
    fromDuplex((stream) => accept(stream)),
    options,
    clock,
  );
  const client = await Client.to(made.server);
  client.socket.on('error', () => {});
  const stream = await accepted;
  // What it fails with at the end of the test is nobody's.
  stream.on('error', () => {});
  return { ...made, client, stream };
}

test('takes a connection over in the middle, behind what was written and with what was read', async () => {
  const hooks: string[] = [];
  const { server } = await listening({
    onOpen: () => {},
    onData(conn, chunk) {
      hooks.push('data');
      conn.write('over to you\n');
      const stream = toDuplex(conn, { head: chunk.subarray(chunk.indexOf('\n') + 1) });
      stream.on('data', (piece: Buffer) => stream.write(String(piece).toUpperCase())).on('error', ofNobody);
    },
    onEnd: () => void hooks.push('end'),
    onClose: () => void hooks.push('close'),
  });
  const client = await Client.to(server);
  client.socket.end('go\nand more');
  expect(String(await client.ended())).toBe('over to you\nAND MORE');
  expect(hooks).toEqual(['data']);
});

test('takes an end over that was told before', async () => {
  const { server } = await listening({
    onOpen: () => {},
    onEnd: (conn) => void toDuplex(conn).on('error', ofNobody).end('bye'),
  });
  const client = await Client.to(server);
  client.socket.end('unread');
  expect(String(await client.ended())).toBe('bye');
});

test('of a connection that is closed makes a stream that is destroyed', async () => {
  const closed = new Promise<Connection<unknown>>((resolve) => {
    void listening({ onOpen: () => {}, onData: (conn) => conn.destroy(), onClose: resolve }).then(
      async ({ server }) => (await Client.to(server)).socket.on('error', () => {}).write('x'),
    );
  });
  const stream = toDuplex(await closed);
  expect(stream.destroyed).toBe(true);
  await expect(finished(stream)).rejects.toMatchObject({ code: 'ERR_STREAM_PREMATURE_CLOSE' });
});

test('refuses to take over in onOpen, and options that it does not have', async () => {
  const thrown: unknown[] = [];
  const { server } = await listening({
    onOpen(conn) {
      for (const options of [{}, { highWaterMark: 1 } as object]) {
        try {
          toDuplex(conn, options);
        } catch (error) {
          thrown.push(error);
        }
      }
      conn.end();
    },
  });
  await (await Client.to(server)).ended();
  expect(thrown).toEqual([expect.any(UsageError), expect.any(UsageError)]);
  expect(thrown).toMatchObject([
    { code: 'ERR_BECOME', message: expect.stringContaining('onOpen has not returned') },
    {
      code: 'ERR_UNKNOWN_OPTION',
      message: expect.stringContaining("toDuplex has no option 'highWaterMark'"),
    },
  ]);
  expect(() => fromDuplex(() => {}, { head: new Uint8Array() } as object)).toThrow(
    /fromDuplex has no option/,
  );
});

test('a handler that throws costs its connection, and is reported once', async () => {
  const mine = new Error('not this one');
  const { server, errors } = await listening(
    fromDuplex(() => {
      throw mine;
    }),
  );
  const socket = connect(server.address()!.port, '127.0.0.1');
  expect(await once(socket.resume(), 'error')).toMatchObject([{ code: 'ECONNRESET' }]);
  expect(errors).toEqual([mine]);
});

test('P54 a listener that throws costs its connection, and is reported once', async () => {
  const { stream, client, errors } = await streamAndClient();
  const mine = new Error('not these bytes');
  stream.on('data', () => {
    throw mine;
  });
  client.socket.write('x');
  expect(await once(stream, 'error')).toEqual([mine]);
  expect(errors).toEqual([mine]);
});

test('resets the peer of a stream that is destroyed with an error', async () => {
  const { stream, client } = await streamAndClient();
  const broken = once(client.socket, 'error');
  stream.on('error', () => {}).destroy(new Error('the rest is lost'));
  expect(await broken).toMatchObject([{ code: 'ECONNRESET' }]);
});

test('sends what was written when it is destroyed in the same breath', async () => {
  const { stream, client } = await streamAndClient();
  stream.write('last words');
  stream.destroy();
  expect(String(await client.ended())).toBe('last words');
});

test('resets on demand, without an error of its own', async () => {
  const { stream, client } = await streamAndClient();
  const gone = once(stream, 'close');
  stream.resetAndDestroy();
  expect(await once(client.socket, 'error')).toMatchObject([{ code: 'ECONNRESET' }]);
  await gone;
  expect(stream.errored).toBe(null);
});

test('fails every write that a reset breaks with what broke it', async () => {
  const { stream, client } = await streamAndClient();
  client.socket.pause();
  stream.on('error', () => {});
  const failing = new Promise((resolve) => void stream.write(Buffer.alloc(64 * 1024 * 1024), resolve));
  for (let turn = 0; turn < 50; turn += 1) await nextTurn();
  client.socket.resetAndDestroy();
  expect(await failing).toMatchObject({ code: expect.stringMatching(/ECONNRESET|EPIPE/) });
});

test('keeps to the deadlines of the reactor, and says which passed', async () => {
  const clock = new FakeClock();
  const { stream } = await streamAndClient({ limits: { idleTimeoutMs: 1000, firstByteTimeoutMs: 0 } }, clock);
  const failing = once(stream, 'error');
  clock.advance(1100);
  expect(await failing).toMatchObject([{ code: 'ERR_IDLE_TIMEOUT', which: 'idle' }]);
});

test('setTimeout tells of silence, closes nothing, and begins anew with every byte', async () => {
  const clock = new FakeClock();
  const { stream, client } = await streamAndClient({}, clock);
  let told = 0;
  stream.setTimeout(500, () => {
    told += 1;
  });
  clock.advance(400);
  client.socket.write('x');
  await once(stream, 'data');
  clock.advance(400);
  expect(told).toBe(0);
  clock.advance(200);
  expect(told).toBe(1);
  stream.setTimeout(0).write('still here');
  expect(String(await client.got(10))).toBe('still here');
});

test('is told of a shutdown where it listens, and leaves with what was written where it does not', async () => {
  const first = await streamAndClient();
  const bytes = Buffer.alloc(1_000_000, 'x');
  first.stream.write(bytes);
  const over = first.reactor.shutdown({ deadlineMs: 5_000 });
  expect((await first.client.ended()).equals(bytes)).toBe(true);
  first.client.socket.end();
  expect(await over).toMatchObject({ destroyed: 0 });

  const second = await streamAndClient();
  second.stream.on('shutdown', () => second.stream.end('closing time'));
  const ending = second.reactor.shutdown({ deadlineMs: 5_000 });
  expect(String(await second.client.ended())).toBe('closing time');
  second.client.socket.end();
  second.stream.resume();
  expect(await ending).toMatchObject({ destroyed: 0 });
});

test('leaves no descriptor behind, however its streams end', async () => {
  const before = openSockets();
  const closings: Promise<unknown>[] = [];
  const { reactor, server } = await listening(
    fromDuplex((stream) => {
      closings.push(new Promise((resolve) => void stream.once('close', resolve)));
      stream.on('error', () => {});
      stream.on('data', (chunk: Buffer) => {
        if (chunk[0] === 1) stream.destroy();
        else if (chunk[0] === 2) stream.destroy(new Error('no'));
        else if (chunk[0] === 3) stream.destroySoon();
        else stream.write(chunk);
      });
    }),
  );
  const visits = Array.from({ length: 60 }, async (_, index) => {
    const socket = connect(server.address()!.port, '127.0.0.1').on('error', () => {});
    socket.write(Buffer.from([index % 6]));
    socket.on('data', () => (index % 6 === 4 ? socket.resetAndDestroy() : socket.end()));
    await new Promise((resolve) => void socket.once('close', resolve));
  });
  await Promise.all(visits);
  await Promise.all(closings);
  expect(closings).toHaveLength(60);
  await reactor.shutdown({ deadlineMs: 5_000 });
  expect(openSockets()).toEqual(before);
});
