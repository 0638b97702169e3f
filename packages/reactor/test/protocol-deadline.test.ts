import { Ready } from '@sluice/core-native';
import { beforeEach, describe, expect, test } from 'vitest';
import { type Connection, type OpenDeadline, type Protocol, UsageError } from '../src/index.ts';
import { type FakeTransport, Harness } from '../src/testing/index.ts';

/** A deadline fires at the first tick of the wheel after its time, and the wheel's timer is a tick late at most. */
const TICKS_MS = 100;

let harness: Harness;
let conn: Connection;
let fd: number;
let transport: FakeTransport;
let asked: OpenDeadline[];
let closed: string[];
let answer: (which: OpenDeadline) => boolean;

const protocol: Protocol = {
  onOpen: (opened) => {
    conn = opened;
  },
  onData: () => {},
  onTimeout: (_conn, which) => {
    asked.push(which);
    return answer(which);
  },
  onClose: (_conn, reason, cause) => closed.push(`${reason} ${cause?.message ?? ''}`),
};

async function listen(limits: Record<string, number>): Promise<void> {
  harness = new Harness({ limits: { firstByteTimeoutMs: 0, ...limits } });
  asked = [];
  closed = [];
  answer = () => true;
  await harness.listen(protocol);
  ({ fd, transport } = harness.accept());
}

beforeEach(() => listen({ idleTimeoutMs: 10_000 }));

function receive(): void {
  transport.reads.push('x');
  harness.poller.fire([fd, Ready.readable]);
}

describe('P55 a deadline of the protocol', () => {
  test('passes once, when its time is over and not before, whatever moves meanwhile', () => {
    conn.setDeadline(1_000);
    for (let step = 0; step < 9; step += 1) {
      harness.clock.advance(100);
      receive();
    }
    harness.clock.advance(99);
    expect(asked).toEqual([]);
    harness.clock.advance(1 + TICKS_MS);
    expect(asked).toEqual(['protocol']);
    expect(harness.reactor.stats().deadlines.protocol).toBe(1);
    harness.clock.advance(5_000);
    expect(asked).toEqual(['protocol']);
    expect(closed).toEqual([]);
  });

  test('that is not waived closes the connection, and the error says what passed', () => {
    answer = () => false;
    conn.setDeadline(1_000);
    harness.clock.advance(1_000 + TICKS_MS);
    expect(closed).toEqual([
      'timeout The peer did not do what the protocol waited for within 1000 ms. Raise the deadline that the protocol sets if it needs longer.',
    ]);
    expect(harness.clock.pending).toBe(0);
  });

  test('is replaced by the next one, be it sooner or later', () => {
    conn.setDeadline(1_000);
    harness.clock.advance(900);
    conn.setDeadline(1_000);
    harness.clock.advance(900);
    expect(asked).toEqual([]);
    conn.setDeadline(50);
    harness.clock.advance(50 + TICKS_MS);
    expect(asked).toEqual(['protocol']);
  });

  test('is taken back with 0', () => {
    conn.setDeadline(1_000);
    conn.setDeadline(0);
    harness.clock.advance(9_000);
    expect(asked).toEqual([]);
  });

  test('may be set anew by the hook that it calls', () => {
    answer = () => {
      if (asked.length < 3) conn.setDeadline(500);
      return true;
    };
    conn.setDeadline(500);
    harness.clock.advance(1_400);
    expect(asked).toEqual(['protocol', 'protocol']);
    harness.clock.advance(500);
    expect(asked).toEqual(['protocol', 'protocol', 'protocol']);
    harness.clock.advance(5_000);
    expect(asked.length).toBe(3);
  });

  test('neither moves the others nor is moved by their being waived', async () => {
    await listen({ idleTimeoutMs: 1_000 });
    conn.setDeadline(1_500);
    harness.clock.advance(1_000 + TICKS_MS);
    expect(asked).toEqual(['idle']);
    harness.clock.advance(500);
    expect(asked).toEqual(['idle', 'protocol']);
    harness.clock.advance(500);
    expect(asked).toEqual(['idle', 'protocol', 'idle']);
  });

  test('runs also when every other deadline is off', async () => {
    await listen({ idleTimeoutMs: 0 });
    expect(harness.clock.pending).toBe(0);
    conn.setDeadline(1_000);
    harness.clock.advance(1_000 + TICKS_MS);
    expect(asked).toEqual(['protocol']);
    expect(harness.clock.pending).toBe(0);
  });

  test('costs the wheel nothing when it is put off again and again', () => {
    conn.setDeadline(1_000);
    const { pending } = harness.clock;
    for (let message = 0; message < 1_000; message += 1) conn.setDeadline(1_000 + message);
    expect(harness.clock.pending).toBe(pending);
    harness.clock.advance(1_900);
    expect(asked).toEqual([]);
    harness.clock.advance(200);
    expect(asked).toEqual(['protocol']);
  });

  test('of a connection that is closing is not heard of', () => {
    conn.setDeadline(100);
    conn.close();
    conn.setDeadline(100);
    harness.clock.advance(1_000);
    expect(asked).toEqual([]);
  });

  test('has to be a whole number of milliseconds', () => {
    for (const afterMs of [-1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, '5' as unknown as number]) {
      const set = () => conn.setDeadline(afterMs);
      expect(set).toThrow(UsageError);
      expect(set).toThrow(expect.objectContaining({ code: 'ERR_OPTION_VALUE' }));
      expect(set).toThrow(/afterMs/);
    }
  });
});
