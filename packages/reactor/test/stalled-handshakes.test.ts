/** P57 handshakes that their peers have left to themselves, when somebody else needs the place. */
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { Ready, Status } from '@sluice/core-native';
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { type DiagnosticMessages, LimitError, type Limits } from '../src/index.ts';
import type { FakeTransport } from '../src/testing/index.ts';
import { Harness } from '../src/testing/index.ts';
import { Recorder } from './recorder.ts';

let harness: Harness;
let recorder: Recorder;

/** A tick of the wheel late at most. */
const TICKS_MS = 100;

beforeEach(() => {
  recorder = new Recorder();
});

async function listenWith(limits: Partial<Limits>): Promise<void> {
  harness = new Harness({ limits });
  await harness.listen(recorder);
}

const silent = ({ handshakes }: FakeTransport) => void handshakes.push(Status.wantsRead);
const deaf = ({ handshakes }: FakeTransport) => void handshakes.push(Status.wantsWrite);
const suspended = ({ handshakes }: FakeTransport) => void handshakes.push(Status.suspended);

function passMs(milliseconds: number): void {
  harness.clock.advance(milliseconds);
  harness.poller.settle();
}

const stalled = () => harness.reactor.stats().limited['stalled-handshake'];

describe('P57 at a cap', () => {
  test.each([
    ['maxHandshakes', 'says nothing', silent],
    ['maxHandshakes', 'takes nothing', deaf],
    ['maxConnections', 'says nothing', silent],
  ] as const)(
    '%s: the oldest handshake whose peer %s gives its place to a newcomer',
    async (cap, _what, peer) => {
      await listenWith({ [cap]: 2 });
      const first = harness.accept(peer);
      passMs(500);
      const second = harness.accept(peer);
      harness.offer();
      harness.offer();
      harness.poller.fire([harness.listenerFd, Ready.readable]);
      expect(recorder.log).toEqual([]);
      passMs(500 + TICKS_MS);
      expect(harness.refused).toHaveLength(1);
      const [{ error, reason }] = harness.refused as [{ error: Error; reason: string }];
      expect(error).toBeInstanceOf(LimitError);
      expect({ reason, code: (error as LimitError).code, message: error.message }).toEqual({
        reason: 'limit',
        code: 'ERR_HANDSHAKE_STALLED',
        message: expect.stringMatching(
          /^The handshake was 1\d\d\d ms old, waited for the peer, and gave its place to a newcomer\. Raise stalledHandshakeMs /,
        ),
      });
      expect([first.transport.closed, second.transport.closed]).toEqual([true, false]);
      // A plain newcomer is open at once and leaves its place in the door to the next; as a connection it keeps it.
      expect(recorder.log).toEqual(cap === 'maxHandshakes' ? ['open', 'open'] : ['open']);
      expect(stalled()).toBe(1);
      expect(harness.errors).toEqual([]);
    },
  );

  test('one whose next byte is in the same batch as the newcomer keeps its place', async () => {
    await listenWith({ maxHandshakes: 1 });
    const { fd, transport } = harness.accept(({ handshakes }) => void handshakes.push(Status.wantsRead, 0));
    passMs(5_000);
    harness.offer();
    harness.poller.fire([harness.listenerFd, Ready.readable], [fd, Ready.readable]);
    harness.poller.settle();
    expect(recorder.log).toEqual(['open', 'open']);
    expect([transport.closed, stalled(), harness.refused]).toEqual([false, 0, []]);
  });

  test('one that we let wait keeps its place, whatever its age', async () => {
    await listenWith({ maxHandshakes: 1 });
    const { transport } = harness.accept(suspended);
    harness.accept(silent);
    passMs(5_000);
    expect([transport.closed, stalled()]).toEqual([false, 0]);
    // It goes on, waits for its peer, and now is old enough.
    transport.handshakes.push(Status.wantsRead);
    transport.resume();
    harness.poller.settle();
    passMs(1_000 + TICKS_MS);
    expect([transport.closed, stalled()]).toEqual([true, 1]);
  });

  test('a peer that sends a byte at a time does not become younger by it', async () => {
    await listenWith({ maxHandshakes: 1 });
    const { fd, transport } = harness.accept(silent);
    harness.offer();
    harness.poller.fire([harness.listenerFd, Ready.readable]);
    for (let byte = 0; byte < 12 && !transport.closed; byte += 1) {
      transport.handshakes.push(Status.wantsRead);
      harness.poller.fire([fd, Ready.readable]);
      passMs(100);
    }
    expect([transport.closed, recorder.log]).toEqual([true, ['open']]);
  });

  test('nobody gives way when nobody has come', async () => {
    await listenWith({ maxHandshakes: 1 });
    const { transport } = harness.accept(silent);
    passMs(5_000);
    harness.poller.fire([harness.listenerFd, Ready.readable]);
    harness.poller.settle();
    expect([transport.closed, stalled(), harness.poller.awake]).toEqual([false, 0, false]);
  });

  test('stalledHandshakeMs: 0 lets the newcomer wait for the deadline', async () => {
    await listenWith({ maxHandshakes: 1, stalledHandshakeMs: 0 });
    harness.accept(silent);
    harness.accept();
    passMs(9_000);
    expect([recorder.log, stalled()]).toEqual([[], 0]);
    passMs(1_000 + TICKS_MS);
    expect(recorder.log).toEqual(['open']);
    expect(harness.refused).toMatchObject([{ error: { code: 'ERR_HANDSHAKE_TIMEOUT' }, reason: 'timeout' }]);
  });
});

test('P10 P57 out of descriptors a stalled handshake gives up its own', async () => {
  await listenWith({});
  const { transport } = harness.accept(silent);
  passMs(2_000);
  harness.sockets.hasDescriptors = false;
  harness.sockets.backlog.push('EMFILE');
  harness.offer();
  harness.poller.fire([harness.listenerFd, Ready.readable]);
  harness.poller.settle();
  expect([transport.closed, stalled(), recorder.log]).toEqual([true, 1, ['open']]);
});

test('P57 is told to diagnostics, where the server may be closed: the newcomer is in by then', async () => {
  harness = new Harness({ limits: { maxHandshakes: 1 } });
  const server = await harness.listen(recorder);
  const { transport } = harness.accept(silent);
  passMs(2_000);
  const told: string[] = [];
  let closing: Promise<unknown> | undefined;
  const onLimit = (message: unknown) => {
    const { limit, error } = message as DiagnosticMessages['sluice.limit'];
    told.push(`${limit} ${(error as LimitError | undefined)?.code}`);
    if (error !== undefined) closing = server.close({ deadlineMs: 0 });
  };
  subscribe('sluice.limit', onLimit);
  onTestFinished(() => void unsubscribe('sluice.limit', onLimit));
  harness.accept();
  harness.letListenerClose();
  await Promise.resolve();
  harness.letListenerClose();
  await closing;
  expect(told).toEqual(['stalled-handshake ERR_HANDSHAKE_STALLED']);
  expect([transport.closed, recorder.log[0]]).toEqual([true, 'open']);
  expect(harness.reactor.stats()).toMatchObject({ connections: 0, listeners: 0, accepted: 2 });
});
