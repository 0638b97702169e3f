import { Ready } from '@sluice/core-native';
import { beforeEach, describe, expect, test } from 'vitest';
import type { OpenDeadline } from '../src/index.ts';
import { type FakeTransport, Harness } from '../src/testing/index.ts';
import { Recorder } from './recorder.ts';

/** A deadline fires at the first tick of the wheel after its time, and the wheel's timer is a tick late at most. */
const TICKS_MS = 100;

let harness: Harness;
let recorder: Recorder;
let fd: number;
let transport: FakeTransport;

beforeEach(async () => {
  harness = new Harness({ limits: { rateWindowMs: 1_000, minSendBytesPerSecond: 100 } });
  recorder = new Recorder();
  await harness.listen(recorder);
  ({ fd, transport } = harness.accept());
});

function receive(count: number): void {
  transport.reads.push(Buffer.alloc(count));
  harness.poller.fire([fd, Ready.readable]);
}

/** The peer makes room for `count` bytes of what is queued. */
function take(count: number): void {
  transport.writes.push(count, { status: 'wantsWrite' });
  harness.poller.fire([fd, Ready.writable]);
}

/** Lets what is written block. */
async function block(): Promise<void> {
  transport.writes.push({ status: 'wantsWrite' });
  recorder.conn.write(Buffer.alloc(100_000));
  await Promise.resolve();
}

const isOpen = () => recorder.conn.lifecycle === 'open';

describe('P56 the rate at which a peer has to send', () => {
  beforeEach(() => recorder.conn.setTimeouts({ minReceiveBytesPerSecond: 50 }));

  test('is kept by as many bytes in each window, however they come', () => {
    for (let window = 0; window < 5; window += 1) {
      receive(1);
      harness.clock.advance(500);
      receive(79);
      harness.clock.advance(500);
    }
    expect(isOpen()).toBe(true);
  });

  test('ends a peer that dribbles, and the error says what to do', () => {
    for (let byte = 0; byte < 11 && isOpen(); byte += 1) {
      receive(1);
      harness.clock.advance(TICKS_MS);
    }
    const message = 'The peer did not send as many bytes as it has to within 1000 ms.';
    expect(recorder.log.at(-1)).toBe(
      `close timeout: ${message} Lower minReceiveBytesPerSecond if it may be slower.`,
    );
    expect(transport.closed).toBe(true);
    expect(harness.reactor.stats().deadlines['receive-rate']).toBe(1);
    expect(harness.clock.pending).toBe(0);
  });

  test('is not measured while the protocol has paused, and anew when it resumes', () => {
    recorder.conn.pause();
    harness.clock.advance(10_000);
    recorder.conn.resume();
    harness.poller.settle();
    harness.clock.advance(1_000 - TICKS_MS);
    expect(isOpen()).toBe(true);
    harness.clock.advance(2 * TICKS_MS);
    expect(isOpen()).toBe(false);
  });

  test('is not asked of a peer that has ended its side', () => {
    transport.reads.push({ status: 'ended' });
    harness.poller.fire([fd, Ready.readable]);
    harness.clock.advance(10_000);
    expect(isOpen()).toBe(true);
  });

  test('is measured no longer when the protocol says so', () => {
    harness.clock.advance(900);
    recorder.conn.setTimeouts({ minReceiveBytesPerSecond: 0 });
    harness.clock.advance(10_000);
    expect(isOpen()).toBe(true);
  });

  test('can be waived by the protocol, for one window more', () => {
    const asked: OpenDeadline[] = [];
    Object.assign(recorder, { onTimeout: (_conn: unknown, which: OpenDeadline) => asked.push(which) === 1 });
    harness.clock.advance(1_000 + TICKS_MS);
    expect(asked).toEqual(['receive-rate']);
    harness.clock.advance(1_000 - 2 * TICKS_MS);
    expect(isOpen()).toBe(true);
    harness.clock.advance(3 * TICKS_MS);
    expect(asked).toEqual(['receive-rate', 'receive-rate']);
    expect(isOpen()).toBe(false);
  });
});

describe('P56 the rate at which a peer has to take', () => {
  test('ends a peer that takes a byte now and then, though that is no stall', async () => {
    await block();
    for (let byte = 0; byte < 11 && isOpen(); byte += 1) {
      take(1);
      harness.clock.advance(TICKS_MS);
    }
    const message = 'The peer did not take as many of the queued bytes as it has to within 1000 ms.';
    expect(recorder.log.at(-1)).toBe(
      `close timeout: ${message} Lower minSendBytesPerSecond if it may be slower.`,
    );
    expect(harness.reactor.stats()).toMatchObject({ queuedBytes: 0, copiedBytes: 0 });
  });

  test('is kept by a peer that takes enough in each window', async () => {
    await block();
    for (let window = 0; window < 5; window += 1) {
      take(150);
      harness.clock.advance(1_000);
    }
    expect(isOpen()).toBe(true);
  });

  test('is not asked while nothing is blocked', () => {
    harness.clock.advance(50_000);
    expect(isOpen()).toBe(true);
  });

  test('can be set while a write is blocked, and counts from then on', async () => {
    recorder.conn.setTimeouts({ minSendBytesPerSecond: 0 });
    await block();
    harness.clock.advance(5_000);
    recorder.conn.setTimeouts({ minSendBytesPerSecond: 1 });
    harness.clock.advance(900);
    expect(isOpen()).toBe(true);
    harness.clock.advance(300);
    expect(isOpen()).toBe(false);
  });
});
