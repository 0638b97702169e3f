import { Ready } from '@sluice/core-native';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { Server } from '../src/index.ts';
import { Harness } from '../src/testing/index.ts';
import { Recorder } from './recorder.ts';

let harness: Harness;
let recorder: Recorder;

beforeEach(async () => {
  vi.useFakeTimers();
  harness = new Harness({ limits: { acceptBudget: 3 } });
  recorder = new Recorder();
  await harness.listen(recorder);
});

afterEach(() => {
  vi.useRealTimers();
});

const edge = () => harness.poller.fire([harness.listenerFd, Ready.readable]);

describe('accepting', () => {
  test('P9 goes on until the backlog is empty', () => {
    harness.offer();
    harness.offer();
    edge();
    expect(recorder.log).toEqual(['open', 'open']);
    expect(harness.poller.awake).toBe(false);
  });

  test('P9 stops at its budget and accepts the rest in the next turns, without an edge', () => {
    for (let i = 0; i < 7; i += 1) harness.offer();
    edge();
    expect(recorder.log.length).toBe(3);
    harness.poller.turn();
    expect(recorder.log.length).toBe(6);
    harness.poller.turn();
    expect(recorder.log.length).toBe(7);
    harness.poller.settle();
  });

  test.each(['ECONNABORTED', 'EINTR', 'EPROTO'] as const)(
    'P9 goes on after %s, which concerns one peer only',
    (code) => {
      harness.sockets.backlog.push(code);
      harness.offer();
      edge();
      expect(recorder.log).toEqual(['open']);
      expect(harness.errors).toEqual([]);
    },
  );

  test.each(['EMFILE', 'ENFILE', 'ENOBUFS', 'ENOMEM'] as const)(
    'P10 %s: one warning, no spinning, and the backlog is served later without an edge',
    (code) => {
      harness.sockets.backlog.push(code);
      edge();
      expect(harness.errors).toMatchObject([{ name: 'SystemError', code }]);
      expect(harness.poller.awake).toBe(false);
      harness.sockets.backlog.push(code);
      vi.advanceTimersByTime(100);
      harness.poller.settle();
      expect(harness.errors.length).toBe(1);
      // One gets in, then there is no room again: the shortage goes on, and is not told twice.
      harness.offer();
      harness.sockets.backlog.push(code);
      vi.advanceTimersByTime(100);
      harness.poller.settle();
      expect(recorder.log).toEqual(['open']);
      expect(harness.errors.length).toBe(1);
      harness.offer();
      vi.advanceTimersByTime(100);
      harness.poller.settle();
      expect(recorder.log).toEqual(['open', 'open']);
      harness.sockets.backlog.push(code);
      edge();
      expect(harness.errors.length).toBe(2);
    },
  );

  test('P10 a descriptor that is freed is used at once, before the timer', () => {
    const { transport } = harness.accept();
    harness.sockets.backlog.push('EMFILE');
    edge();
    harness.offer();
    recorder.conn.destroy();
    expect(transport.closed).toBe(true);
    harness.poller.settle();
    expect(recorder.log).toEqual(['open', 'close clean', 'open']);
  });

  test('a transport that cannot be made costs its connection only', async () => {
    let calls = 0;
    const refused: Error[] = [];
    await harness.reactor.listen(
      {
        port: 0,
        transport: {
          name: 'broken',
          accept: () => {
            calls += 1;
            throw new Error('no memory');
          },
        },
        onConnectionError: (error) => refused.push(error),
      },
      recorder,
    );
    const fd = [...harness.poller.registered.keys()].at(-1)!;
    harness.sockets.backlog.push(1, 2);
    harness.poller.fire([fd, Ready.readable]);
    expect(calls).toBe(2);
    expect(refused.map(String)).toEqual(['Error: no memory', 'Error: no memory']);
    expect(harness.reactor.stats().connections).toBe(0);
  });

  test('a connection that cannot be registered costs itself only', () => {
    const { transport } = harness.offer();
    harness.poller.refuse = new Error('ENOSPC');
    edge();
    harness.poller.refuse = undefined;
    expect(transport.closed).toBe(true);
    expect(harness.refused.map(({ error }) => error.message)).toEqual(['ENOSPC']);
    harness.accept();
    expect(recorder.log).toEqual(['open']);
  });

  test('a callback of the listener that throws is reported and stops nothing', async () => {
    await harness.reactor.listen(
      {
        port: 0,
        transport: {
          name: 'broken',
          accept: () => {
            throw new Error('no memory');
          },
        },
        onConnectionError: () => {
          throw new Error('from the callback');
        },
      },
      recorder,
    );
    const fd = [...harness.poller.registered.keys()].at(-1)!;
    harness.sockets.backlog.push(1, 2);
    harness.poller.fire([fd, Ready.readable]);
    expect(harness.errors.map(String)).toEqual(['Error: from the callback', 'Error: from the callback']);
  });
});

describe('a server', () => {
  test('that is closed accepts nothing more; its connections live on', async () => {
    const server = await harness.reactor.listen({ port: 0 }, recorder);
    const fd = [...harness.poller.registered.keys()].at(-1)!;
    const { transport } = harness.accept();
    expect(server.address()).toEqual({ family: 'IPv4', address: '127.0.0.1', port: 1 });
    server.close();
    server.close();
    expect(server.address()).toBeUndefined();
    expect(harness.sockets.closed).toEqual([fd]);
    expect(harness.poller.registered.has(fd)).toBe(false);
    expect(transport.closed).toBe(false);
  });

  test('that is closed by the hook of a connection it just accepted stops accepting at once', async () => {
    const server: Server = await harness.reactor.listen(
      { port: 0, transport: { name: 'fake', accept: () => harness.offer().transport } },
      { onOpen: (): void => server.close() },
    );
    const fd = [...harness.poller.registered.keys()].at(-1)!;
    harness.sockets.backlog.push(900, 901);
    harness.poller.fire([fd, Ready.readable]);
    expect(harness.sockets.backlog).toContain(901);
  });
});

describe('options', () => {
  test.each([
    [
      { port: 80, backlogg: 1 },
      'ERR_UNKNOWN_OPTION',
      "listen has no option 'backlogg'. Known are: port, host, ipv6Only, backlog, ",
    ],
    [
      { port: 80, BackLog: 1 },
      'ERR_UNKNOWN_OPTION',
      "listen has no option 'BackLog'. Did you mean 'backlog'?",
    ],
    [{ port: 65_536 }, 'ERR_OPTION_VALUE', 'port must be an integer from 0 to 65535, not 65536.'],
    [{ port: '80' }, 'ERR_OPTION_VALUE', 'port must be an integer from 0 to 65535, not 80.'],
    [{}, 'ERR_OPTION_VALUE', 'listen needs one of port, path, fd; none is given.'],
    [
      { port: 80, path: '/x' },
      'ERR_OPTION_VALUE',
      "listen needs one of port, path, fd; 'port' and 'path' are given.",
    ],
    [{ path: '/x', reusePort: true }, 'ERR_OPTION_VALUE', 'reusePort has no meaning beside path: leave one'],
    [{ path: '/x', noDelay: true }, 'ERR_OPTION_VALUE', 'noDelay has no meaning beside path'],
    [{ fd: 3, backlog: 1 }, 'ERR_OPTION_VALUE', 'backlog has no meaning beside fd'],
    [{ fd: -1 }, 'ERR_OPTION_VALUE', 'fd must be an integer from 0 to 2147483647, not -1.'],
    [{ path: '' }, 'ERR_OPTION_VALUE', 'path must be a text of 1 to 107 bytes, not "".'],
    [{ path: 'é'.repeat(54) }, 'ERR_OPTION_VALUE', 'path must be a text of 1 to 107 bytes, not "éé'],
    [{ path: 'a\0b' }, 'ERR_OPTION_VALUE', 'path must be a text of 1 to 107 bytes, not "a\\u0000b".'],
    [{ port: 80, host: '' }, 'ERR_OPTION_VALUE', 'host must be a text, not "".'],
    [{ port: 80, ipv6Only: 1 }, 'ERR_OPTION_VALUE', 'ipv6Only must be true or false, not 1.'],
    [
      { port: 80, host: '127.0.0.1', ipv6Only: true },
      'ERR_OPTION_VALUE',
      'ipv6Only does not go with the IPv4 address 127.0.0.1.',
    ],
    [{ port: 80, reusePort: 'yes' }, 'ERR_OPTION_VALUE', 'reusePort must be true or false, not yes.'],
    [{ port: 80, noDelay: 0 }, 'ERR_OPTION_VALUE', 'noDelay must be true or false, not 0.'],
    [{ port: 80, keepAlive: 60 }, 'ERR_OPTION_VALUE', 'keepAlive must be true or false, not 60.'],
    [
      { port: 80, keepAlive: { idle: 1 } },
      'ERR_UNKNOWN_OPTION',
      "keepAlive has no option 'idle'. Known are: idle",
    ],
    [
      { port: 80, keepAlive: { count: 128 } },
      'ERR_OPTION_VALUE',
      'keepAlive.count must be an integer from 1 to 127, not 128.',
    ],
    [{ port: 80, userTimeoutMs: 0 }, 'ERR_OPTION_VALUE', 'userTimeoutMs must be an integer from 1'],
    [{ port: 80, sendBufferBytes: 0 }, 'ERR_OPTION_VALUE', 'sendBufferBytes must be an integer from 1'],
    [{ port: 80, backlog: 0 }, 'ERR_OPTION_VALUE', 'backlog must be an integer from 1 to 65535, not 0.'],
    [
      { port: 80, transport: { name: 'x' } },
      'ERR_OPTION_VALUE',
      'transport does not fit listen(): give it tls(',
    ],
  ])('%j is refused before anything is opened', async (options, code, message) => {
    const before = harness.poller.registered.size;
    const listening = harness.reactor.listen(options as { port: number }, recorder);
    await expect(listening).rejects.toMatchObject({ name: 'UsageError', code });
    await expect(listening).rejects.toThrow(message);
    expect(harness.poller.registered.size).toBe(before);
  });

  test.each([
    [{ limits: { readBudget: 1 } }, "limits has no option 'readBudget'"],
    [{ limits: { readBudgetBytes: 0 } }, 'limits.readBudgetBytes must be an integer from 1'],
    [
      { limits: { lowWaterMarkBytes: 100, highWaterMarkBytes: 100 } },
      'limits.lowWaterMarkBytes must be an integer from 0 to 99, not 100.',
    ],
    [{ limit: {} }, "createReactor has no option 'limit'"],
  ])('of a reactor %j are refused', (options, message) => {
    expect(() => new Harness(options as object)).toThrow(message);
  });

  test('a lowered high-water mark takes the low one with it', async () => {
    expect(() => new Harness({ limits: { highWaterMarkBytes: 1 } })).not.toThrow();
  });
});
