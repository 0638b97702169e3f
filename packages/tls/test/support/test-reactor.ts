/** A reactor for one test, whose end checks that nothing went wrong unseen. */
import { createReactor, type Limits, type Reactor } from '@sluice/reactor';
import { type FakeClock, timedReactor } from '@sluice/reactor/testing';
import { expect, onTestFinished } from 'vitest';
import { liveSessions } from './process-state.ts';

let reactors = 0;

/**
 * Made for this test; when it is over no hook has thrown, and when the last reactor is gone no session is left. With a
 * `clock` its deadlines pass when that says so.
 */
export function testReactor(limits: Partial<Limits> = {}, clock?: FakeClock): Reactor {
  const errors: Error[] = [];
  const options = { limits, poisonReads: true, onError: (error: Error) => errors.push(error) };
  const reactor = clock === undefined ? createReactor(options) : timedReactor(clock, options);
  reactors += 1;
  onTestFinished(async () => {
    // A test may have shut it down already.
    await reactor.shutdown({ deadlineMs: 0 }).catch(() => {});
    reactors -= 1;
    expect(errors).toEqual([]);
    if (reactors === 0) expect(liveSessions()).toBe(0);
  });
  return reactor;
}
