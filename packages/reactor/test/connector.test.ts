import { Ready, Status } from '@sluice/core-native';
import { beforeEach, expect, test } from 'vitest';
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
async function connecting() {
  const promise = harness.reactor.connect(
    { host: '127.0.0.1', port: 9, transport: { name: 'fake', connect: () => transport } },
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
  transport.failureAnswer = { reason: 'error', error: new Error('ECONNREFUSED') };
  harness.poller.fire([fd, Ready.error | Ready.hangup]);
  await expect(promise).rejects.toThrow('ECONNREFUSED');
  expect(recorder.log).toEqual([]);
  expect(transport.closed).toBe(true);
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
  expect(transport.closed).toBe(true);
  expect(harness.poller.registered.size).toBe(0);
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
])('options %j are refused', async (options, message) => {
  await expect(harness.reactor.connect(options as { host: string; port: number }, recorder)).rejects.toThrow(
    message,
  );
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
