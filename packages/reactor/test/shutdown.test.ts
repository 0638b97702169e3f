import { Ready, Status } from '@sluice/core-native';
import { beforeEach, describe, expect, test } from 'vitest';
import { FakeTransport, Harness } from '../src/testing/index.ts';
import { Recorder } from './recorder.ts';

let harness: Harness;
let recorder: Recorder;

beforeEach(async () => {
  harness = new Harness({ limits: { closeTimeoutMs: 1000, handshakeTimeoutMs: 500, connectTimeoutMs: 300 } });
  recorder = new Recorder();
  await harness.listen(recorder);
});

describe('shutdown', () => {
  test('closes listeners and connections in order and counts them', async () => {
    const first = harness.accept();
    const done = harness.reactor.shutdown({ deadlineMs: 60_000 });
    harness.poller.settle();
    expect(first.transport.calls).not.toContain('shutdownWrite');
    harness.letListenerClose();
    expect(harness.sockets.closed).toContain(harness.listenerFd);
    expect(first.transport.calls.slice(-1)).toEqual(['shutdownWrite']);
    first.transport.reads.push({ status: 'ended' });
    harness.poller.fire([first.fd, Ready.readable]);
    expect(await done).toEqual({ drained: 1, destroyed: 0 });
    expect(harness.poller.closed).toBe(true);
    expect(harness.sockets.closed).toContain(harness.listenerFd);
    await expect(harness.reactor.listen({ port: 0 }, recorder)).rejects.toMatchObject({
      name: 'UsageError',
      code: 'ERR_REACTOR_CLOSED',
      message: 'This reactor was shut down. Make a new one.',
    });
  });

  test('asks a protocol that wants to be asked', async () => {
    const asked: number[] = [];
    await harness.listen({ onOpen: () => 7, onShutdown: (conn) => asked.push(conn.state) && conn.destroy() });
    harness.accept();
    const done = harness.reactor.shutdown();
    harness.letListenerClose();
    expect(await done).toEqual({ drained: 1, destroyed: 0 });
    expect(asked).toEqual([7]);
  });

  test('delivers what is in the socket already before it asks', async () => {
    const log: string[] = [];
    await harness.listen({
      onOpen: () => {},
      onData: (_conn, chunk) => log.push(`data ${chunk}`),
      onShutdown: (conn) => log.push('shutdown') && conn.destroy(),
    });
    const { transport } = harness.accept();
    transport.reads.push('late');
    const done = harness.reactor.shutdown();
    harness.letListenerClose();
    await done;
    expect(log).toEqual(['data late', 'shutdown']);
  });

  test('asks a paused connection too, which stays paused', async () => {
    const log: string[] = [];
    await harness.listen({
      onOpen: (conn) => conn.pause(),
      onData: () => log.push('data'),
      onShutdown: (conn) => log.push(`shutdown ${conn.readHalf}`) && conn.destroy(),
    });
    harness.accept((script) => script.reads.push('late'));
    const done = harness.reactor.shutdown();
    harness.letListenerClose();
    await done;
    expect(log).toEqual(['shutdown paused']);
  });

  test('lets a handshake be completed, delivers what follows it, and then asks', async () => {
    const { transport, fd } = harness.accept((script) => script.handshakes.push(Status.wantsRead, 0));
    const done = harness.reactor.shutdown();
    harness.poller.settle();
    expect(recorder.log).toEqual([]);
    transport.reads.push('request');
    harness.poller.fire([fd, Ready.readable]);
    expect(recorder.log).toEqual(['open', 'data request']);
    harness.letListenerClose();
    expect(recorder.conn.lifecycle).toBe('closing');
    transport.reads.push({ status: 'ended' });
    harness.poller.fire([fd, Ready.readable]);
    expect(await done).toEqual({ drained: 1, destroyed: 0 });
  });

  test('of a server and then of its reactor is told to a connection once', async () => {
    const asked: number[] = [];
    const server = await harness.listen({
      onOpen: () => 7,
      onShutdown: (conn) => asked.push(conn.state),
      onData: (conn) => conn.destroy(),
    });
    const { fd, transport } = harness.accept();
    const closed = server.close();
    harness.poller.settle();
    const done = harness.reactor.shutdown();
    harness.letListenerClose();
    expect(asked).toEqual([7]);
    transport.reads.push('last');
    harness.poller.fire([fd, Ready.readable]);
    harness.letListenerClose();
    expect(await closed).toEqual({ drained: 1, destroyed: 0 });
    expect(await done).toEqual({ drained: 1, destroyed: 0 });
  });

  test('asks a connection when its listener is closed, so that nobody who leaves meets one that is silent', async () => {
    const states: string[] = [];
    await harness.listen({
      onOpen: () => {},
      onShutdown: (conn) => {
        states.push(harness.sockets.closed.includes(harness.listenerFd) ? 'closed' : 'silent');
        conn.destroy();
      },
    });
    harness.accept();
    const done = harness.reactor.shutdown({ deadlineMs: 1_000 });
    harness.poller.settle();
    harness.clock.advance(99);
    expect(states).toEqual([]);
    harness.letListenerClose();
    expect(states).toEqual(['closed']);
    expect(await done).toEqual({ drained: 1, destroyed: 0 });
  });

  test('that has no time for that asks at once, and whoever comes in meanwhile too', async () => {
    const asked: number[] = [];
    await harness.listen({
      onOpen: () => {},
      onShutdown: (conn) => asked.push(conn.id) && conn.destroy(),
    });
    harness.accept();
    const done = harness.reactor.shutdown({ deadlineMs: 199 });
    harness.poller.settle();
    expect(asked.length).toBe(1);
    harness.accept();
    expect(asked.length).toBe(1);
    harness.clock.advance(150);
    harness.poller.settle();
    expect(asked.length).toBe(2);
    expect(await done).toEqual({ drained: 2, destroyed: 0 });
  });

  test('asks at once whoever connected from here', async () => {
    const transport = new FakeTransport();
    const client = { name: 'fake', connect: () => transport };
    const connecting = harness.reactor.connect({ host: '127.0.0.1', port: 9, transport: client }, recorder);
    const fd = [...harness.poller.registered.keys()].at(-1);
    harness.poller.fire([fd!, Ready.writable]);
    await connecting;
    void harness.reactor.shutdown({ deadlineMs: 60_000 });
    harness.poller.settle();
    expect(transport.calls).toContain('shutdownWrite');
  });

  test('twice gives one answer, by name or by `await using`', async () => {
    const first = harness.reactor.shutdown();
    const second = harness.reactor.shutdown({ deadlineMs: 5 });
    harness.letListenerClose();
    await harness.reactor[Symbol.asyncDispose]();
    expect(await second).toBe(await first);
  });

  test('with a deadline that is none is refused', async () => {
    await expect(harness.reactor.shutdown({ deadlineMs: -1 })).rejects.toMatchObject({
      name: 'UsageError',
      code: 'ERR_OPTION_VALUE',
    });
    await expect(harness.reactor.shutdown({ deadline: 1 } as object)).rejects.toThrow(
      "close has no option 'deadline'. Known are: deadlineMs.",
    );
    await expect(harness.reactor.listen({ port: 0 }, recorder)).resolves.toBeDefined();
  });

  test('destroys what is left at the deadline', async () => {
    const closes: string[] = [];
    await harness.listen({
      onOpen: () => {},
      onShutdown: () => {},
      onClose: (_conn, reason, cause) => closes.push(`${reason}: ${cause?.message}`),
    });
    harness.accept();
    const done = harness.reactor.shutdown({ deadlineMs: 1_000 });
    harness.poller.settle();
    harness.clock.advance(999);
    expect(closes).toEqual([]);
    harness.clock.advance(101);
    expect(await done).toEqual({ drained: 0, destroyed: 1 });
    const late =
      'The peer did not let the connection end in order after the shutdown had begun within 1000 ms.';
    expect(closes).toEqual([`timeout: ${late} Raise deadlineMs if it needs longer.`]);
    expect(harness.clock.pending).toBe(0);
  });

  test('with a deadline of 0 destroys at once', async () => {
    harness.accept();
    expect(await harness.reactor.shutdown({ deadlineMs: 0 })).toEqual({ drained: 0, destroyed: 1 });
    expect(recorder.log.length).toBe(2);
  });
});
