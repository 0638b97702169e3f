import { lookup } from 'node:dns/promises';
import { Ready, Status } from '@sluice/core-native';
import { beforeEach, describe, expect, test, vi } from 'vitest';
import { FakeTransport, Harness } from '../src/testing/index.ts';
import { Recorder } from './recorder.ts';

let harness: Harness;
let recorder: Recorder;
let transport: FakeTransport;

beforeEach(() => {
  harness = new Harness({ limits: { connectTimeoutMs: 300, handshakeTimeoutMs: 500 } });
  recorder = new Recorder();
  transport = new FakeTransport();
});

/** Starts to connect to a numeric address; resolved once the descriptor is registered. */
async function connecting(options: { timeoutMs?: number; signal?: AbortSignal } = {}) {
  const promise = harness.reactor.connect(
    { host: '127.0.0.1', port: 9, transport: { name: 'fake', connect: () => transport }, ...options },
    recorder,
  );
  // Handled where a test awaits it; until then nobody else is told.
  promise.catch(() => {});
  await Promise.resolve();
  await Promise.resolve();
  const [fd] = harness.poller.registered.keys();
  return { promise, fd: fd! };
}

test('a connection is open when its connect and its handshake are done', async () => {
  transport.handshakes.push(Status.wantsRead, 0);
  const { promise, fd } = await connecting();
  expect(harness.poller.isWritableArmed(fd)).toBe(true);
  harness.poller.fire([fd, Ready.writable]);
  expect(harness.poller.isWritableArmed(fd)).toBe(false);
  expect(recorder.log).toEqual([]);
  harness.poller.fire([fd, Ready.readable]);
  const conn = await promise;
  expect(conn).toBe(recorder.conn);
  expect(conn.state).toEqual({ opened: 1 });
  expect(conn.lifecycle).toBe('open');
  // Neither the connect's nor the handshake's deadline is left.
  harness.clock.advance(10_000);
  expect(conn.lifecycle).toBe('open');
});

test('a refused connect rejects with the system error, and no hook runs', async () => {
  const { promise, fd } = await connecting();
  harness.sockets.connectResults.push(harness.sockets.fail('ECONNREFUSED', 'connect'));
  harness.poller.fire([fd, Ready.error | Ready.hangup]);
  await expect(promise).rejects.toMatchObject({ name: 'SystemError', code: 'ECONNREFUSED', call: 'connect' });
  await expect(promise).rejects.toThrow('connect 127.0.0.1:9 failed');
  expect(recorder.log).toEqual([]);
  // No transport was made for it.
  expect(transport.calls).toEqual([]);
  expect(harness.sockets.closed).toEqual([fd]);
});

test('a spurious edge while the connect is under way changes nothing', async () => {
  const { fd } = await connecting();
  harness.sockets.connectResults.push(Status.wantsWrite);
  harness.poller.fire([fd, Ready.writable]);
  expect(harness.poller.isWritableArmed(fd)).toBe(true);
  expect(transport.calls).toEqual([]);
});

test.each([
  ['connect', 400, 300],
  ['handshake', 600, 500],
] as const)('P55 the %s deadline rejects and leaves nothing open', async (which, waitMs, limitMs) => {
  transport.handshakes.push(Status.wantsRead);
  const { promise, fd } = await connecting();
  if (which === 'handshake') harness.poller.fire([fd, Ready.writable]);
  harness.clock.advance(waitMs);
  await expect(promise).rejects.toMatchObject({
    name: 'TimeoutError',
    code: `ERR_${which.toUpperCase()}_TIMEOUT`,
    message: expect.stringContaining(`within ${limitMs} ms`),
  });
  if (which === 'handshake') expect(transport.closed).toBe(true);
  else expect(harness.sockets.closed).toEqual([fd]);
  expect(harness.poller.registered.size).toBe(0);
});

test('P55 timeoutMs of one connect takes the place of the limit', async () => {
  const { promise } = await connecting({ timeoutMs: 700 });
  harness.clock.advance(699);
  expect(harness.poller.registered.size).toBe(1);
  harness.clock.advance(1);
  await expect(promise).rejects.toMatchObject({ code: 'ERR_CONNECT_TIMEOUT', which: 'connect' });
  expect(harness.clock.pending).toBe(0);
});

test.each([
  [{}, undefined],
  [{ localPort: 5000 }, { address: '0.0.0.0', port: 5000 }],
  [{ localAddress: '127.0.0.2' }, { address: '127.0.0.2', port: 0 }],
  [
    { localAddress: '127.0.0.2', localPort: 5000 },
    { address: '127.0.0.2', port: 5000 },
  ],
])('with %j the socket is bound to %j before it connects', async (options, local) => {
  const begin = vi.spyOn(harness.sockets, 'connect');
  const promise = harness.reactor.connect({ host: '127.0.0.1', port: 9, ...options }, recorder);
  const [fd] = harness.poller.registered.keys();
  harness.poller.fire([fd!, Ready.writable]);
  await promise;
  expect(begin).toHaveBeenCalledWith('127.0.0.1', 9, expect.objectContaining({ local }));
});

test('an onOpen that throws is the answer of connect', async () => {
  recorder.opened = () => {
    throw new Error('not like this');
  };
  const { promise, fd } = await connecting();
  harness.poller.fire([fd, Ready.writable]);
  await expect(promise).rejects.toThrow('not like this');
  expect(harness.errors.length).toBe(1);
  expect(transport.closed).toBe(true);
});

test('a host without an address rejects with HostError and says what to do', async () => {
  await expect(
    harness.reactor.connect({ host: 'no-such-host.invalid', port: 9 }, recorder),
  ).rejects.toMatchObject({
    name: 'HostError',
    code: 'ERR_HOST',
    message: expect.stringMatching(/^No address for host 'no-such-host.invalid' .*Check the spelling/),
  });
});

test.each([
  [{ host: 'x', port: 0 }, 'port must be an integer from 1 to 65535, not 0.'],
  [{ host: 'x', port: 1, transport: {} }, 'transport does not fit connect(): give it tlsClient()'],
  [{ host: 'x', prot: 1 }, "connect has no option 'prot'"],
  [{ host: 'x' }, 'connect needs one of port, path; none is given.'],
  [{ host: 'x', port: 1, path: 'x' }, "connect needs one of port, path; 'port' and 'path' are given."],
  [{ port: 1 }, 'host must be a text, not undefined.'],
  [{ path: 'x', localPort: 1 }, 'localPort has no meaning beside path'],
  [{ path: 'x', keepAlive: true }, 'keepAlive has no meaning beside path'],
  [{ host: 'x', port: 1, localAddress: 'lo' }, 'localAddress must be a numeric address, not "lo".'],
  [
    { host: '::1', port: 1, localAddress: '127.0.0.1' },
    'localAddress 127.0.0.1 and host ::1 are not of one family.',
  ],
  [{ host: 'x', port: 1, localPort: 65_536 }, 'localPort must be an integer from 0 to 65535'],
  [{ host: 'x', port: 1, attemptDelayMs: 9 }, 'attemptDelayMs must be an integer from 10 to 60000, not 9.'],
  [{ host: 'x', port: 1, timeoutMs: 0 }, 'timeoutMs must be an integer from 1'],
  [
    { host: 'x', port: 1, signal: {} },
    'signal must be an AbortSignal: give it the signal of an AbortController.',
  ],
])('options %j are refused', async (options, message) => {
  await expect(harness.reactor.connect(options as { host: string; port: number }, recorder)).rejects.toThrow(
    message,
  );
});

describe('a signal', () => {
  const reason = new Error('no longer wanted');

  test('that was aborted before rejects at once, and nothing is opened', async () => {
    const { promise } = await connecting({ signal: AbortSignal.abort(reason) });
    await expect(promise).rejects.toBe(reason);
    expect(harness.sockets.connectedTo).toEqual([]);
    expect(harness.clock.pending).toBe(0);
  });

  test('that is aborted while the name is resolved rejects at once, and nothing is opened later', async () => {
    const controller = new AbortController();
    const promise = harness.reactor.connect(
      { host: 'localhost', port: 9, signal: controller.signal },
      recorder,
    );
    controller.abort(reason);
    await expect(promise).rejects.toBe(reason);
    await lookup('localhost', { all: true });
    expect(harness.sockets.connectedTo).toEqual([]);
  });

  test('that is aborted while it connects closes the socket', async () => {
    const controller = new AbortController();
    const { promise, fd } = await connecting({ signal: controller.signal });
    controller.abort('any value');
    await expect(promise).rejects.toBe('any value');
    expect(harness.sockets.closed).toEqual([fd]);
    expect(harness.poller.registered.size).toBe(0);
    expect(harness.clock.pending).toBe(0);
  });

  test('that is aborted in the same batch as the edge of the connect wins', async () => {
    const controller = new AbortController();
    const { promise, fd } = await connecting({ signal: controller.signal });
    const stale = harness.poller.registered.get(fd)!;
    controller.abort(reason);
    harness.poller.fireRegistrations([stale, Ready.writable]);
    await expect(promise).rejects.toBe(reason);
    expect(transport.calls).toEqual([]);
  });

  test('that is aborted during the handshake closes the transport, and no hook runs', async () => {
    transport.handshakes.push(Status.wantsRead);
    const controller = new AbortController();
    const { promise, fd } = await connecting({ signal: controller.signal });
    harness.poller.fire([fd, Ready.writable]);
    expect(transport.calls).toEqual(['handshake']);
    controller.abort(reason);
    await expect(promise).rejects.toBe(reason);
    expect(transport.closed).toBe(true);
    expect(recorder.log).toEqual([]);
  });

  test('that is aborted inside onOpen closes the connection, and its onClose runs', async () => {
    const controller = new AbortController();
    recorder.opened = () => controller.abort(reason);
    const { promise, fd } = await connecting({ signal: controller.signal });
    harness.poller.fire([fd, Ready.writable]);
    await expect(promise).rejects.toBe(reason);
    expect(transport.closed).toBe(true);
    expect(recorder.log.at(-1)).toMatch(/^close/);
  });

  test('that is aborted when the connection is open has no effect any more', async () => {
    const controller = new AbortController();
    const { promise, fd } = await connecting({ signal: controller.signal });
    harness.poller.fire([fd, Ready.writable]);
    const conn = await promise;
    controller.abort(reason);
    expect(conn.lifecycle).toBe('open');
  });
});

test('a transport that throws is the answer of connect, and its descriptor is not registered', async () => {
  const promise = harness.reactor.connect(
    {
      host: '127.0.0.1',
      port: 9,
      transport: {
        name: 'fake',
        connect: (fd) => {
          expect(harness.poller.registered.has(fd)).toBe(false);
          throw new Error('not this one');
        },
      },
    },
    recorder,
  );
  promise.catch(() => {});
  const [fd] = harness.poller.registered.keys();
  harness.poller.fire([fd!, Ready.writable]);
  await expect(promise).rejects.toThrow('not this one');
});

test('a poller that takes no more refuses the connect, and the descriptor is closed', async () => {
  harness.poller.refuse = new Error('ENOSPC');
  const { promise } = await connecting();
  await expect(promise).rejects.toThrow('ENOSPC');
  expect(harness.sockets.closed.length).toBe(1);
});

test('a shutdown rejects what is still connecting, and what is still resolving its host', async () => {
  const { promise } = await connecting();
  const resolving = harness.reactor.connect({ host: 'localhost', port: 9 }, recorder);
  resolving.catch(() => {});
  await harness.reactor.shutdown();
  for (const connect of [promise, resolving]) {
    await expect(connect).rejects.toMatchObject({ name: 'DestroyedError', code: 'ERR_DESTROYED' });
  }
  expect(harness.poller.registered.size).toBe(0);
});
