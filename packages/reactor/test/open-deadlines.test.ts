import { EVENT_FIELDS, Ready } from '@sluice/core-native';
import { beforeEach, describe, expect, test } from 'vitest';
import type { Connection, OpenDeadline, Protocol } from '../src/index.ts';
import { type FakeTransport, Harness } from '../src/testing/index.ts';
import { Recorder } from './recorder.ts';

/** Deadlines fire at the first tick of the wheel after their time, and the wheel's timer is a tick late at most. */
const TICKS_MS = 100;

let harness: Harness;
let recorder: Recorder;
let fd: number;
let transport: FakeTransport;

beforeEach(async () => {
  harness = new Harness({
    limits: {
      firstByteTimeoutMs: 1_000,
      idleTimeoutMs: 5_000,
      writeStallTimeoutMs: 2_000,
      closeTimeoutMs: 300,
    },
  });
  recorder = new Recorder();
  await harness.listen(recorder);
  ({ fd, transport } = harness.accept());
});

function receive(text: string): void {
  transport.reads.push(text);
  harness.poller.fire([fd, Ready.readable]);
}

async function send(text: string): Promise<void> {
  recorder.conn.write(text);
  await Promise.resolve();
}

/** Lets a write block, which nothing unblocks but {@link takeByte}. */
async function block(): Promise<void> {
  transport.writes.push({ status: 'wantsWrite' });
  await send('x'.repeat(100));
}

/** The peer takes one byte of a blocked write. */
function takeByte(): void {
  transport.writes.push(1, { status: 'wantsWrite' });
  harness.poller.fire([fd, Ready.writable]);
}

describe('P55 the first byte', () => {
  test('that does not come in time ends the connection, and the error says what to do', () => {
    harness.clock.advance(999);
    expect(recorder.log).toEqual(['open']);
    harness.clock.advance(1 + TICKS_MS);
    expect(recorder.log).toEqual([
      'open',
      'close timeout: The peer did not send its first byte within 1000 ms. Raise firstByteTimeoutMs if it needs longer.',
    ]);
    expect(transport.closed).toBe(true);
  });

  test('that comes in time leaves the idle deadline', () => {
    harness.clock.advance(900);
    receive('a');
    harness.clock.advance(4_900);
    expect(recorder.conn.lifecycle).toBe('open');
    harness.clock.advance(100 + TICKS_MS);
    expect(recorder.log.at(-1)).toMatch(/^close timeout: .*idleTimeoutMs/);
  });
});

describe('P55 idleness', () => {
  /** As many edges as one batch holds. None of them has anything to read. */
  const fireFullBatch = () => {
    const { events } = harness.poller;
    const edge = [fd, Ready.writable] as const;
    harness.poller.fire(...Array.from({ length: events.length / EVENT_FIELDS }, () => edge));
  };

  test('is not judged while the kernel may have more edges than one batch holds', () => {
    receive('a');
    harness.clock.stall(10_000);
    fireFullBatch();
    harness.clock.advance(0);
    expect(recorder.conn.lifecycle).toBe('open');
    receive('b');
    expect(recorder.log.at(-1)).toBe('data b');
    harness.poller.settle();
    expect(recorder.conn.lifecycle).toBe('open');
  });

  test('is judged in the next turn where there were no more, and in the end whatever comes', () => {
    receive('a');
    harness.clock.stall(10_000);
    fireFullBatch();
    harness.clock.advance(0);
    harness.poller.settle();
    expect(recorder.log.at(-1)).toMatch(/^close timeout: .*idleTimeoutMs/);

    ({ fd, transport } = harness.accept());
    receive('a');
    harness.clock.stall(10_000);
    fireFullBatch();
    harness.clock.advance(0);
    for (let batches = 1; batches < 64; batches += 1) fireFullBatch();
    expect(recorder.conn.lifecycle).toBe('open');
    fireFullBatch();
    expect(recorder.conn.lifecycle).toBe('closed');
  });

  test('begins anew with each byte, in either direction', async () => {
    receive('a');
    for (let i = 0; i < 5; i += 1) {
      harness.clock.advance(4_000);
      if (i % 2 === 0) receive('b');
      else await send('c');
    }
    expect(recorder.conn.lifecycle).toBe('open');
    harness.clock.advance(5_000 + TICKS_MS);
    expect(recorder.conn.lifecycle).toBe('closed');
  });

  test('costs no more than a look now and then: one timer, however much traffic', () => {
    for (let i = 0; i < 100; i += 1) receive('a');
    expect(harness.clock.pending).toBe(1);
  });
});

describe('P55 P56 a blocked write', () => {
  test('of which nothing leaves ends the connection, though the peer goes on sending', async () => {
    receive('a');
    await block();
    for (let i = 0; i < 4; i += 1) {
      harness.clock.advance(499);
      receive('still here');
    }
    expect(recorder.conn.lifecycle).toBe('open');
    harness.clock.advance(4 + TICKS_MS);
    expect(recorder.log.at(-1)).toBe(
      'close timeout: The peer did not take any of what is queued within 2000 ms. Raise writeStallTimeoutMs if it needs longer.',
    );
  });

  test('begins anew with each byte that leaves', async () => {
    receive('a');
    await block();
    for (let i = 0; i < 5; i += 1) {
      harness.clock.advance(1_900);
      takeByte();
    }
    expect(recorder.conn.lifecycle).toBe('open');
    harness.clock.advance(2_000 + TICKS_MS);
    expect(recorder.conn.lifecycle).toBe('closed');
  });

  test('that got through is forgotten', async () => {
    receive('a');
    await block();
    harness.clock.advance(1_900);
    harness.poller.fire([fd, Ready.writable]);
    harness.clock.advance(4_900);
    expect(recorder.conn.lifecycle).toBe('open');
  });
});

describe('onTimeout', () => {
  const asked: OpenDeadline[] = [];

  async function withHook(answer: (conn: Connection, which: OpenDeadline) => boolean): Promise<void> {
    asked.length = 0;
    const protocol: Protocol = {
      onOpen: () => {},
      onTimeout: (conn, which) => {
        asked.push(which);
        return answer(conn, which);
      },
      onClose: (_conn, reason) => recorder.log.push(`hooked close ${reason}`),
    };
    recorder.conn.destroy();
    recorder.log.length = 0;
    await harness.listen(protocol);
    ({ fd, transport } = harness.accept());
  }

  test('that answers true lets the deadline begin anew', async () => {
    await withHook(() => asked.length < 3);
    harness.clock.advance(1_000 + TICKS_MS);
    expect(asked).toEqual(['first-byte']);
    harness.clock.advance(3_000 + 3 * TICKS_MS);
    expect(asked).toEqual(['first-byte', 'first-byte', 'first-byte']);
    expect(recorder.log).toEqual(['hooked close timeout']);
  });

  test('may leave in its own way', async () => {
    await withHook((conn) => {
      conn.end('too slow');
      conn.destroy();
      return true;
    });
    harness.clock.advance(1_000 + TICKS_MS);
    expect(recorder.log).toEqual(['hooked close clean']);
    harness.clock.advance(60_000);
    expect(asked).toEqual(['first-byte']);
  });

  test('P54 that throws costs its connection and is reported once', async () => {
    await withHook(() => {
      throw new Error('from onTimeout');
    });
    harness.clock.advance(1_000 + TICKS_MS);
    expect(recorder.log).toEqual(['hooked close error']);
    expect(harness.errors.map(String)).toEqual(['Error: from onTimeout']);
  });
});

describe('setTimeouts', () => {
  test('turns a deadline off with 0 and leaves the others', () => {
    recorder.conn.setTimeouts({ firstByteTimeoutMs: 0 });
    harness.clock.advance(4_900);
    expect(recorder.conn.lifecycle).toBe('open');
    harness.clock.advance(100 + TICKS_MS);
    expect(recorder.log.at(-1)).toMatch(/idleTimeoutMs/);
  });

  test('applies at once, to that connection only', () => {
    const patient = recorder.conn;
    harness.accept();
    recorder.conn.setTimeouts({ idleTimeoutMs: 50 });
    harness.clock.advance(50 + TICKS_MS);
    expect([patient.lifecycle, recorder.conn.lifecycle]).toEqual(['open', 'closed']);
  });

  test('counts from now, however long ago the last turn was', () => {
    recorder.conn.setTimeouts({
      firstByteTimeoutMs: 0,
      idleTimeoutMs: 0,
      writeStallTimeoutMs: 0,
      minSendBytesPerSecond: 0,
    });
    harness.clock.advance(3_600_000);
    recorder.conn.setTimeouts({ minReceiveBytesPerSecond: 1, rateWindowMs: 1_000 });
    harness.clock.advance(500);
    receive('a');
    harness.clock.advance(400);
    expect(recorder.conn.lifecycle).toBe('open');
    recorder.conn.setTimeouts({ minReceiveBytesPerSecond: 0, idleTimeoutMs: 0 });
    harness.clock.advance(3_600_000);
    recorder.conn.setTimeouts({ idleTimeoutMs: 2_000 });
    harness.clock.advance(TICKS_MS);
    expect(recorder.log.at(-1)).toMatch(/idleTimeoutMs/);
  });

  test('with all of them 0 nothing is set', () => {
    recorder.conn.setTimeouts({ firstByteTimeoutMs: 0, idleTimeoutMs: 0, writeStallTimeoutMs: 0 });
    harness.clock.advance(10 * 3_600_000);
    expect(recorder.conn.lifecycle).toBe('open');
    expect(harness.clock.pending).toBe(0);
  });

  test.each([
    [
      { idle: 1 },
      'ERR_UNKNOWN_OPTION',
      "setTimeouts has no option 'idle'. Known are: firstByteTimeoutMs, idleTimeoutMs, writeStallTimeoutMs, ",
    ],
    [
      { idleTimeoutMs: -1 },
      'ERR_OPTION_VALUE',
      'idleTimeoutMs must be an integer from 0 to 9007199254740991, not -1.',
    ],
  ])('%j is refused and changes nothing', (timeouts, code, message) => {
    const change = () => recorder.conn.setTimeouts(timeouts as object);
    expect(change).toThrow(
      expect.objectContaining({ name: 'UsageError', code, message: expect.stringContaining(message) }),
    );
    harness.clock.advance(900);
    expect(recorder.conn.lifecycle).toBe('open');
  });

  test('after the close does nothing', () => {
    recorder.conn.destroy();
    recorder.conn.setTimeouts({ idleTimeoutMs: 1 });
    harness.clock.advance(1_000);
    expect(recorder.log).toEqual(['open', 'close clean']);
    expect(harness.clock.pending).toBe(0);
  });
});

test('a connection that closes has the close deadline and no other', () => {
  receive('a');
  recorder.conn.close();
  harness.clock.advance(300 + TICKS_MS);
  expect(recorder.log.at(-1)).toMatch(/^close timeout: .*closeTimeoutMs/);
});

test('P56 deadlines of many at once are seen to in several turns, between which others are served', () => {
  for (let count = 1; count < 100; count += 1) harness.accept();
  const closed = () => harness.reactor.stats().closedBy.timeout;
  harness.clock.advance(1_000 + TICKS_MS);
  expect(closed()).toBeGreaterThan(0);
  expect(closed()).toBeLessThan(100);
  // The first of all is due as well, and its byte is there before it is seen to.
  expect(transport.closed).toBe(false);
  receive('in time');
  expect(harness.poller.settle()).toBeGreaterThan(0);
  expect(closed()).toBe(99);
  expect(recorder.log.filter((line) => line.includes('in time'))).toHaveLength(1);
  expect(transport.closed).toBe(false);
});
