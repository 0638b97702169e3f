import { Ready, Status } from '@sluice/core-native';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { interleaveFamilies } from '../src/connect-race.ts';
import { ConnectError, type Connection, type TcpConnectOptions } from '../src/index.ts';
import { FakeTransport, Harness } from '../src/testing/index.ts';
import { Recorder } from './recorder.ts';

/** What the resolver answers in these tests. */
let addresses: string[] = [];
vi.mock('node:dns/promises', () => ({
  lookup: async () => addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })),
}));

const [V6A, V6B, V4A, V4B] = ['2001:db8::1', '2001:db8::2', '192.0.2.1', '192.0.2.2'] as const;

let harness: Harness;
let recorder: Recorder;
let transports: FakeTransport[];

beforeEach(() => {
  addresses = [V6A, V6B, V4A, V4B];
  harness = new Harness({ limits: { connectTimeoutMs: 10_000, idleTimeoutMs: 0, firstByteTimeoutMs: 0 } });
  recorder = new Recorder();
  transports = [];
});

afterEach(() => {
  // However it went: only what was handed out is open, and no timer of the race is left.
  expect(harness.poller.registered.size).toBe(recorder.connections.length);
  expect(harness.clock.pending).toBe(0);
});

/** Connects to a name with these addresses; resolved when the resolver has answered. */
async function racing(
  options: Partial<TcpConnectOptions> = {},
): Promise<{ readonly promise: Promise<Connection<unknown>> }> {
  const promise = harness.reactor.connect(
    {
      host: 'many.example',
      port: 443,
      transport: {
        name: 'fake',
        connect: () => {
          transports.push(new FakeTransport());
          return transports.at(-1)!;
        },
      },
      ...options,
    },
    recorder,
  );
  promise.catch(() => {});
  for (let turn = 0; turn < 8; turn += 1) await Promise.resolve();
  return { promise };
}

const tried = () => harness.sockets.connectedTo;
/** Descriptors of the attempts under way, oldest first. */
const underWay = () => [...harness.poller.registered.keys()];

function connected(fd: number): void {
  harness.poller.fire([fd, Ready.writable]);
}

function refused(fd: number): void {
  harness.sockets.connectResults.push(harness.sockets.fail('ECONNREFUSED', 'connect'));
  harness.poller.fire([fd, Ready.error | Ready.hangup]);
}

describe('Happy Eyeballs', () => {
  test('families take turns, each attempt 250 ms after the one before and beside it', async () => {
    const { promise } = await racing();
    expect(tried()).toEqual([V6A]);
    harness.clock.advance(249);
    expect(tried()).toEqual([V6A]);
    harness.clock.advance(1);
    expect(tried()).toEqual([V6A, V4A]);
    harness.clock.advance(500);
    expect(tried()).toEqual([V6A, V4A, V6B, V4B]);
    expect(underWay().length).toBe(4);
    connected(underWay()[0]!);
    await promise;
  });

  test('the first that connects wins: the others are closed, and only it gets a transport', async () => {
    const { promise } = await racing();
    harness.clock.advance(500);
    const [first, second, third] = underWay();
    connected(second!);
    expect((await promise).lifecycle).toBe('open');
    expect(harness.sockets.closed).toEqual([first, third]);
    expect(underWay()).toEqual([second]);
    expect(transports.length).toBe(1);
    expect(recorder.log).toEqual(['open']);
  });

  test('an attempt that fails brings the next at once, and the delay begins anew', async () => {
    const { promise } = await racing();
    harness.clock.advance(200);
    refused(underWay()[0]!);
    expect(tried()).toEqual([V6A, V4A]);
    harness.clock.advance(249);
    expect(tried()).toEqual([V6A, V4A]);
    harness.clock.advance(1);
    expect(tried()).toEqual([V6A, V4A, V6B]);
    connected(underWay()[0]!);
    await promise;
  });

  test('addresses that fail at once, as without a route, cost no delay', async () => {
    harness.sockets.connects.push('ENETUNREACH', 'EADDRNOTAVAIL');
    const { promise } = await racing();
    expect(tried()).toEqual([V6A, V4A, V6B]);
    connected(underWay()[0]!);
    await promise;
  });

  test('two that connect in one batch: one wins, the other is closed and nobody hears of it', async () => {
    const { promise } = await racing();
    harness.clock.advance(250);
    const [first, second] = underWay();
    harness.poller.fire([first!, Ready.writable], [second!, Ready.writable]);
    await promise;
    expect(harness.sockets.closed).toEqual([second]);
    expect(transports.length).toBe(1);
  });

  test('when all fail the error has each of them, in the order of the addresses', async () => {
    addresses = [V6A, V4A];
    const { promise } = await racing();
    harness.clock.advance(250);
    const [first, second] = underWay();
    refused(second!);
    refused(first!);
    const error = (await promise.catch((thrown: unknown) => thrown)) as ConnectError;
    expect(error).toBeInstanceOf(ConnectError);
    expect(error).toMatchObject({ name: 'ConnectError', code: 'ERR_CONNECT_FAILED', host: 'many.example' });
    expect(error.errors).toMatchObject([{ code: 'ECONNREFUSED' }, { code: 'ECONNREFUSED' }]);
    expect(error.message).toMatch(
      /^None of the 2 addresses of 'many.example' could be connected to. connect \[2001:db8::1\]:443 failed: .* connect 192.0.2.1:443 failed: /,
    );
    expect(harness.sockets.closed.length).toBe(2);
  });

  test('when the only address fails its own error is the answer', async () => {
    addresses = [V4A, V4A];
    harness.sockets.connects.push('ENETUNREACH');
    const { promise } = await racing();
    await expect(promise).rejects.toMatchObject({ name: 'SystemError', code: 'ENETUNREACH' });
    // The resolver named it twice; once was enough.
    expect(tried()).toEqual([V4A]);
  });

  test('a spurious edge of an attempt changes nothing', async () => {
    const { promise } = await racing();
    const [fd] = underWay();
    harness.sockets.connectResults.push(Status.wantsWrite);
    connected(fd!);
    expect(underWay()).toEqual([fd]);
    connected(fd!);
    await promise;
  });

  test('a handshake that fails ends the connect: no other address is tried', async () => {
    const { promise } = await racing({
      transport: {
        name: 'fake',
        connect: () => {
          const transport = new FakeTransport();
          transport.handshakes.push(Status.failed);
          transport.failureAnswer = { reason: 'error', error: new Error('wrong name') };
          return transport;
        },
      },
    });
    connected(underWay()[0]!);
    await expect(promise).rejects.toThrow('wrong name');
    harness.clock.advance(1_000);
    expect(tried()).toEqual([V6A]);
  });

  test('P55 the deadline holds for all attempts together and closes them', async () => {
    const { promise } = await racing({ timeoutMs: 600, attemptDelayMs: 250 });
    harness.clock.advance(599);
    const attempts = underWay();
    expect(attempts.length).toBe(3);
    harness.clock.advance(1);
    await expect(promise).rejects.toMatchObject({
      name: 'TimeoutError',
      code: 'ERR_CONNECT_TIMEOUT',
      message: expect.stringContaining('Raise timeoutMs or connectTimeoutMs'),
    });
    expect(harness.sockets.closed).toEqual(attempts);
  });

  test('P55 when it passes its cause tells what had failed by then', async () => {
    const { promise } = await racing({ timeoutMs: 400 });
    refused(underWay()[0]!);
    const one = await Promise.all([promise.catch((thrown: unknown) => thrown), harness.clock.advance(400)]);
    expect(one[0]).toMatchObject({ code: 'ERR_CONNECT_TIMEOUT', cause: { code: 'ECONNREFUSED' } });
    harness.sockets.connects.push('ENETUNREACH', 'ENETUNREACH');
    const more = await racing({ timeoutMs: 400 });
    harness.clock.advance(400);
    await expect(more.promise).rejects.toMatchObject({
      cause: { code: 'ERR_CONNECT_FAILED', errors: [{ code: 'ENETUNREACH' }, { code: 'ENETUNREACH' }] },
    });
  });

  test('a signal closes every attempt, and no other begins', async () => {
    const controller = new AbortController();
    const { promise } = await racing({ signal: controller.signal, attemptDelayMs: 10 });
    harness.clock.advance(10);
    const attempts = underWay();
    controller.abort(new Error('enough'));
    await expect(promise).rejects.toThrow('enough');
    harness.clock.advance(1_000);
    expect(tried().length).toBe(2);
    expect(harness.sockets.closed).toEqual(attempts);
  });

  test('a shutdown closes every attempt and rejects once', async () => {
    const { promise } = await racing();
    harness.clock.advance(250);
    const attempts = underWay();
    const report = await harness.reactor.shutdown();
    await expect(promise).rejects.toMatchObject({ name: 'DestroyedError', code: 'ERR_DESTROYED' });
    expect(harness.sockets.closed).toEqual(attempts);
    // Nothing was open.
    expect(report).toEqual({ drained: 0, destroyed: 0 });
  });

  test('a localAddress leaves out the addresses of the other family', async () => {
    const { promise } = await racing({ localAddress: '127.0.0.1' });
    harness.clock.advance(250);
    expect(tried()).toEqual([V4A, V4B]);
    connected(underWay()[0]!);
    await promise;
    addresses = [V6A];
    const none = await racing({ localAddress: '127.0.0.1' });
    await expect(none.promise).rejects.toMatchObject({ name: 'HostError', code: 'ERR_HOST' });
    await expect(none.promise).rejects.toThrow('none is of the family of localAddress 127.0.0.1');
  });
});

describe('the order of addresses', () => {
  test.each([
    [[], []],
    [[V4A], [V4A]],
    [
      [V4A, V4B, V6A],
      [V4A, V6A, V4B],
    ],
    [
      [V6A, V6B, V4A],
      [V6A, V4A, V6B],
    ],
    [
      [V6A, V6A, V4A, V6A],
      [V6A, V4A],
    ],
    [
      [V4A, V4B],
      [V4A, V4B],
    ],
  ])('of %j is %j', (found, order) => {
    expect(interleaveFamilies(found)).toEqual(order);
  });
});
