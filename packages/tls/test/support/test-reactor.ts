/** A reactor for one test, whose end checks that nothing went wrong unseen. */
import { createReactor, type Reactor } from '@sluice/reactor';
import { expect, onTestFinished } from 'vitest';
import { liveSessions } from './process-state.ts';

/** Made for this test; when it is over, no hook has thrown and no session is left. */
export function testReactor(): Reactor {
  const sessions = liveSessions();
  const errors: Error[] = [];
  const reactor = createReactor({ poisonReads: true, onError: (error) => errors.push(error) });
  onTestFinished(async () => {
    await reactor.shutdown({ deadlineMs: 0 });
    expect(errors).toEqual([]);
    expect(liveSessions()).toBe(sessions);
  });
  return reactor;
}
