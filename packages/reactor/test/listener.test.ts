import { Ready, Status } from '@sluice/core-native';
import { beforeEach, describe, expect, test } from 'vitest';
import type { Limits, Server } from '../src/index.ts';
import { Harness } from '../src/testing/index.ts';
import { Recorder } from './recorder.ts';

let harness: Harness;
let recorder: Recorder;
let server: Server;

beforeEach(async () => {
  harness = new Harness({ limits: { acceptBudget: 3 } });
  recorder = new Recorder();
  server = await harness.listen(recorder);
});

/** Accepting rests for so long when the process has run out of descriptors; a tick of the wheel late at most. */
const RETRY_MS = 100 + 100;

/** A process that has no descriptor left: accept fails with `code`, and the reserve cannot be had back. */
function runOut(code: 'EMFILE' | 'ENFILE' | 'ENOBUFS' | 'ENOMEM'): void {
  harness.sockets.hasDescriptors = false;
  harness.sockets.backlog.push(code);
}

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

  test.each(['ENOBUFS', 'ENOMEM'] as const)(
    'P10 %s: one warning, no spinning, and the backlog is served later without an edge',
    (code) => {
      harness.sockets.backlog.push(code);
      edge();
      expect(harness.errors).toMatchObject([{ name: 'SystemError', code }]);
      expect(harness.poller.awake).toBe(false);
      harness.sockets.backlog.push(code);
      harness.clock.advance(RETRY_MS);
      harness.poller.settle();
      expect(harness.errors.length).toBe(1);
      // One gets in, then there is no room again: the shortage goes on, and is not told twice.
      harness.offer();
      harness.sockets.backlog.push(code);
      harness.clock.advance(RETRY_MS);
      harness.poller.settle();
      expect(recorder.log).toEqual(['open']);
      expect(harness.errors.length).toBe(1);
      harness.offer();
      harness.clock.advance(RETRY_MS);
      harness.poller.settle();
      expect(recorder.log).toEqual(['open', 'open']);
      harness.sockets.backlog.push(code);
      edge();
      expect(harness.errors.length).toBe(2);
    },
  );

  test.each(['EMFILE', 'ENFILE'] as const)(
    'P10 %s: the reserve serves one, the rest waits without spinning, one warning',
    (code) => {
      runOut(code);
      harness.offer();
      harness.offer();
      edge();
      expect(recorder.log).toEqual(['open']);
      expect(harness.errors).toMatchObject([{ name: 'SystemError', code }]);
      expect(harness.poller.awake).toBe(false);
      const accepts = harness.sockets.backlog.length;
      harness.clock.advance(RETRY_MS);
      harness.poller.settle();
      // Nobody is asked to accept while the reserve cannot be had back.
      expect(harness.sockets.backlog.length).toBe(accepts);
      expect(harness.reactor.stats().limited.descriptors).toBe(1);
      harness.sockets.hasDescriptors = true;
      harness.clock.advance(RETRY_MS);
      harness.poller.settle();
      expect(recorder.log).toEqual(['open', 'open']);
      expect(harness.errors.length).toBe(1);
      // A shortage after everybody was served is a new one.
      harness.sockets.backlog.push(code);
      edge();
      expect(harness.errors.length).toBe(2);
    },
  );

  test('P10 a descriptor that is freed is used at once, before the timer', () => {
    const { transport } = harness.accept();
    runOut('EMFILE');
    harness.sockets.backlog.push('EMFILE');
    edge();
    harness.offer();
    recorder.conn.destroy();
    harness.sockets.hasDescriptors = true;
    expect(transport.closed).toBe(true);
    return Promise.resolve().then(() => {
      harness.poller.settle();
      expect(recorder.log).toEqual(['open', 'close clean', 'open']);
    });
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

describe('a paused server', () => {
  test('leaves newcomers in the backlog, and takes them without an edge when it resumes', () => {
    server.pause();
    harness.offer();
    edge();
    expect(recorder.log).toEqual([]);
    server.resume();
    harness.poller.settle();
    expect(recorder.log).toEqual(['open']);
    server.resume();
    expect(harness.poller.awake).toBe(false);
  });

  test('can be paused by the connection that it just accepted', () => {
    recorder.opened = () => server.pause();
    harness.offer();
    harness.offer();
    edge();
    harness.poller.settle();
    expect(recorder.log).toEqual(['open']);
  });
});

describe('closing a server', () => {
  test('serves what the backlog holds and asks each to leave before the socket is closed', async () => {
    harness.offer((script) => script.reads.push('first'));
    harness.offer((script) => script.reads.push('second'));
    const done = server.close();
    expect(harness.sockets.refusing).toEqual([harness.listenerFd]);
    harness.poller.settle();
    expect(recorder.log).toEqual(['open', 'data first', 'open', 'data second']);
    expect(recorder.connections.map((conn) => conn.lifecycle)).toEqual(['closing', 'closing']);
    for (const conn of recorder.connections) conn.destroy();
    await Promise.resolve();
    harness.poller.settle();
    expect(await done).toEqual({ drained: 2, destroyed: 0 });
    expect(server.address()).toBeUndefined();
    expect(harness.sockets.closed).toContain(harness.listenerFd);
  });

  test('waits a moment for whoever is half-way in, as long as others are being served', async () => {
    harness.accept();
    const done = server.close();
    harness.poller.settle();
    expect(server.address()).toBeDefined();
    harness.offer();
    edge();
    expect(recorder.log).toEqual(['open', 'open']);
    harness.clock.advance(200);
    harness.poller.settle();
    expect(server.address()).toBeUndefined();
    for (const conn of recorder.connections) conn.destroy();
    expect(await done).toEqual({ drained: 2, destroyed: 0 });
  });

  test('leaves the connections of others alone', async () => {
    harness.accept();
    const other = await harness.reactor.listen({ port: 0 }, recorder);
    const done = other.close();
    harness.poller.settle();
    expect(await done).toEqual({ drained: 0, destroyed: 0 });
    expect(recorder.conn.lifecycle).toBe('open');
    expect(server.connections).toBe(1);
  });

  test('destroys at the deadline who has not left, and resets what it cannot accept any more', async () => {
    harness.accept();
    const done = server.close({ deadlineMs: 500 });
    harness.poller.settle();
    harness.clock.advance(700);
    harness.poller.settle();
    expect(await done).toEqual({ drained: 0, destroyed: 1 });
    expect(await server.close()).toEqual({ drained: 0, destroyed: 1 });
    await server[Symbol.asyncDispose]();
  });

  test('by the hook of a connection that it just accepted still serves the others', async () => {
    recorder.opened = () => void server.close();
    harness.offer();
    harness.offer();
    edge();
    harness.poller.settle();
    expect(recorder.log).toEqual(['open', 'open']);
  });

  test('ends a pause: who waited is served', async () => {
    server.pause();
    harness.offer();
    void server.close();
    harness.poller.settle();
    expect(recorder.log).toEqual(['open']);
  });
});

describe('P57 caps', () => {
  async function listenWith(limits: Partial<Limits>): Promise<void> {
    harness = new Harness({ limits });
    recorder = new Recorder();
    server = await harness.listen(recorder);
  }

  test('on connections keep the rest in the backlog until one closes', async () => {
    await listenWith({ maxConnections: 2 });
    for (let i = 0; i < 4; i += 1) harness.offer();
    edge();
    expect(recorder.log).toEqual(['open', 'open']);
    expect(harness.poller.awake).toBe(false);
    expect(harness.reactor.stats().limited.connections).toBe(1);
    recorder.conn.destroy();
    await Promise.resolve();
    harness.poller.settle();
    expect(recorder.log).toEqual(['open', 'open', 'close clean', 'open']);
    expect(harness.errors).toEqual([]);
  });

  test('on connections hold for all listeners together', async () => {
    await listenWith({ maxConnections: 1 });
    harness.accept();
    const first = recorder.conn;
    await harness.listen(recorder);
    harness.accept();
    expect(recorder.connections.length).toBe(1);
    first.destroy();
    await Promise.resolve();
    harness.poller.settle();
    expect(recorder.connections.length).toBe(2);
  });

  test('on handshakes in progress keep the rest in the backlog until one is done or fails', async () => {
    await listenWith({ maxHandshakes: 1, handshakeTimeoutMs: 1_000 });
    const { fd } = harness.accept((script) => script.handshakes.push(Status.wantsRead, 0));
    harness.accept((script) => script.handshakes.push(Status.wantsRead));
    harness.offer();
    expect(harness.reactor.stats().states).toEqual({ connecting: 0, handshaking: 1, open: 0, closing: 0 });
    harness.poller.fire([fd, Ready.readable]);
    harness.poller.settle();
    expect(recorder.log).toEqual(['open']);
    expect(harness.reactor.stats().states).toEqual({ connecting: 0, handshaking: 1, open: 1, closing: 0 });
    harness.clock.advance(1_200);
    harness.poller.settle();
    expect(recorder.log).toEqual(['open', 'open']);
    expect(harness.reactor.stats().limited.handshakes).toBeGreaterThan(0);
  });

  test('on the connections of one address refuse, and count, only what is beyond', async () => {
    await listenWith({ maxConnectionsPerAddress: 1 });
    harness.sockets.peerAddress = '2001:db8::1';
    harness.accept();
    harness.sockets.peerAddress = '2001:db8::2:0:0:1';
    const { fd } = harness.accept();
    expect(harness.sockets.closed).toContain(fd);
    expect(recorder.log).toEqual(['open']);
    harness.sockets.peerAddress = '192.0.2.1';
    harness.accept();
    expect(recorder.log).toEqual(['open', 'open']);
    const { accepted, connections, limited } = harness.reactor.stats();
    expect({ accepted, connections, refused: limited.address }).toEqual({
      accepted: 3,
      connections: 2,
      refused: 1,
    });
    recorder.connections[0]?.destroy();
    harness.sockets.peerAddress = '2001:db8::3';
    harness.accept();
    expect(recorder.log.at(-1)).toBe('open');
  });

  test('a place is given back by a connection that fails, whichever way', async () => {
    await listenWith({ maxConnections: 1, maxHandshakes: 1 });
    harness.accept((script) => script.handshakes.push(Status.failed));
    recorder.opened = () => {
      throw new Error('from the hook');
    };
    harness.accept();
    recorder.opened = () => {};
    harness.poller.settle();
    harness.accept();
    harness.poller.settle();
    expect(recorder.log).toEqual(['open', 'open']);
    expect(harness.reactor.stats().connections).toBe(1);
  });
});

describe('without a host', () => {
  const protocol = { onOpen: () => {} };

  test.each(['EAFNOSUPPORT', 'EADDRNOTAVAIL'] as const)(
    'a kernel that has no IPv6 and says %s listens on IPv4',
    async (code) => {
      const { sockets, reactor } = new Harness();
      sockets.listens.push(code);
      await reactor.listen({ port: 0 }, protocol);
      expect(sockets.listenedOn).toEqual(['::', '0.0.0.0']);
    },
  );

  test('nothing else is tried when the port is taken, or IPv6 alone was asked for', async () => {
    const { sockets, reactor } = new Harness();
    sockets.listens.push('EADDRINUSE', 'EAFNOSUPPORT');
    await expect(reactor.listen({ port: 80 }, protocol)).rejects.toThrow('listen [::]:80 failed: EADDRINUSE');
    const alone = reactor.listen({ port: 80, ipv6Only: true }, protocol);
    await expect(alone).rejects.toMatchObject({ name: 'SystemError', code: 'EAFNOSUPPORT' });
    expect(sockets.listenedOn).toEqual(['::', '::']);
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
    [{ path: '/x', mode: 0o1777 }, 'ERR_OPTION_VALUE', 'mode must be an integer from 0 to 511, not 1023.'],
    [{ path: '\0x', mode: 0o600 }, 'ERR_OPTION_VALUE', 'mode does not go with an abstract name'],
    [{ port: 80, mode: 0o600 }, 'ERR_OPTION_VALUE', 'mode has no meaning beside port'],
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
