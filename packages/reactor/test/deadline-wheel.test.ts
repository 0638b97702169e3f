import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type DeadlineHolder, DeadlineWheel, NO_DEADLINE } from '../src/deadline-wheel.ts';
import { FakeClock } from '../src/testing/index.ts';

const TICK_MS = 50;
/** At once: enough for all that are set in these tests. */
const MOST = 10_000;

class Holder implements DeadlineHolder {
  deadlineTick = NO_DEADLINE;
  deadlineNext: DeadlineHolder | undefined = undefined;
  deadlinePrevious: DeadlineHolder | undefined = undefined;
  readonly onDeadline: () => void;

  constructor(onDeadline: () => void) {
    this.onDeadline = onDeadline;
  }
}

function wheelOf(clock: FakeClock): DeadlineWheel {
  const wheel: DeadlineWheel = new DeadlineWheel(clock, () => void wheel.expire(MOST), TICK_MS);
  return wheel;
}

test('a deadline fires once, not early and at most two ticks late, whatever else is set, moved and cleared', () => {
  const action = fc.record({
    holder: fc.nat(9),
    delayMs: fc.integer({ min: 0, max: 40_000 }),
    clear: fc.boolean(),
    passMs: fc.integer({ min: 0, max: 20_000 }),
  });
  fc.assert(
    fc.property(fc.array(action, { maxLength: 40 }), (actions) => {
      const clock = new FakeClock();
      const wheel = wheelOf(clock);
      const due = new Map<number, number>();
      const holders = Array.from({ length: 10 }, (_, index) => {
        return new Holder(() => {
          const lateMs = clock.now() - (due.get(index) ?? Number.NaN);
          expect(lateMs).toBeGreaterThanOrEqual(0);
          expect(lateMs).toBeLessThanOrEqual(2 * TICK_MS);
          due.delete(index);
        });
      });
      for (const { holder, delayMs, clear, passMs } of actions) {
        if (clear) {
          wheel.clear(holders[holder]!);
          due.delete(holder);
        } else {
          wheel.set(holders[holder]!, delayMs);
          due.set(holder, clock.now() + delayMs);
        }
        expect(wheel.size).toBe(due.size);
        clock.advance(passMs);
      }
      clock.advance(50_000);
      expect(due.size).toBe(0);
      expect(wheel.size).toBe(0);
      expect(clock.pending).toBe(0);
    }),
    { seed: 20_26, numRuns: 200 },
  );
});

test('one timer serves all, and none runs while nothing is set', () => {
  const clock = new FakeClock();
  const wheel = wheelOf(clock);
  const holders = Array.from({ length: 100 }, () => new Holder(() => {}));
  expect(clock.pending).toBe(0);
  for (const holder of holders) wheel.set(holder, 1000);
  expect(clock.pending).toBe(1);
  for (const holder of holders) wheel.clear(holder);
  expect(clock.pending).toBe(0);
});

test('the timer sleeps until something is due, at most a second, and is brought forward by an earlier deadline', () => {
  const clock = new FakeClock();
  let ticks = 0;
  const wheel: DeadlineWheel = new DeadlineWheel(
    clock,
    () => {
      ticks += 1;
      wheel.expire(MOST);
    },
    TICK_MS,
  );
  const fired: number[] = [];
  for (let i = 0; i < 1_000; i += 1) wheel.set(new Holder(() => {}), 60_000 + i);
  clock.advance(10_000);
  expect(ticks).toBe(10);
  wheel.set(new Holder(() => fired.push(clock.now())), 120);
  clock.advance(200);
  expect(fired).toEqual([10_150]);
  expect(clock.pending).toBe(1);
});

test('a callback may clear and set others, itself included', () => {
  const clock = new FakeClock();
  const wheel = wheelOf(clock);
  const fired: string[] = [];
  const victim = new Holder(() => fired.push('victim'));
  const again: Holder = new Holder(() => {
    fired.push('again');
    wheel.clear(victim);
    if (fired.length < 3) wheel.set(again, 100);
  });
  wheel.set(victim, 100);
  wheel.set(again, 100);
  clock.advance(1000);
  expect(fired).toEqual(['again', 'again', 'again']);
});

test('after a stall longer than the wheel everything that is due fires, and nothing else', () => {
  const clock = new FakeClock();
  const fired: number[] = [];
  // The loop was blocked: the timer's callback comes late.
  let due: (() => void) | undefined;
  const late = {
    now: () => clock.now(),
    after: (_delayMs: number, callback: () => void) => {
      due = callback;
      return () => {};
    },
  };
  const wheel: DeadlineWheel = new DeadlineWheel(late, () => void wheel.expire(MOST), TICK_MS);
  for (const delayMs of [100, 5_000, 13_000, 30_000, 90_000]) {
    wheel.set(new Holder(() => fired.push(delayMs)), delayMs);
  }
  clock.advance(60_000);
  due?.();
  expect(fired.sort((a, b) => a - b)).toEqual([100, 5_000, 13_000, 30_000]);
  expect(wheel.size).toBe(1);
});

test('no more are called at once than is asked for, and everybody in the end', () => {
  const clock = new FakeClock();
  const wheel: DeadlineWheel = new DeadlineWheel(clock, () => {}, TICK_MS);
  const fired = new Set<number>();
  const holders = Array.from({ length: 100 }, (_, index) => new Holder(() => fired.add(index)));
  for (const [index, holder] of holders.entries()) wheel.set(holder, 1_000 + (index % 5) * 100);
  wheel.set(new Holder(() => fired.add(100)), 5_000);
  clock.advance(2_000);
  const answers = Array.from({ length: 3 }, () => [wheel.expire(32), fired.size]);
  expect(answers).toEqual([
    [true, 32],
    [true, 64],
    [true, 96],
  ]);
  // The next timer is set when nobody is due any more.
  expect(clock.pending).toBe(0);
  expect([wheel.expire(32), fired.size, clock.pending]).toEqual([false, 100, 1]);
});

test('who is due and left is cleared and moved like anybody', () => {
  const clock = new FakeClock();
  const wheel: DeadlineWheel = new DeadlineWheel(clock, () => {}, TICK_MS);
  const fired: string[] = [];
  const [cleared, moved] = [new Holder(() => fired.push('cleared')), new Holder(() => fired.push('moved'))];
  wheel.set(cleared, 100);
  wheel.set(moved, 100);
  wheel.set(new Holder(() => fired.push('first')), 100);
  clock.advance(1_000);
  expect(wheel.expire(1)).toBe(true);
  wheel.clear(cleared);
  wheel.set(moved, 100);
  expect([wheel.expire(1), fired]).toEqual([false, ['first']]);
  clock.advance(200);
  expect([wheel.expire(1), fired]).toEqual([false, ['first', 'moved']]);
});
