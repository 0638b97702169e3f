/** Waiting until a reactor has looked at everything that has come. */
import { setImmediate } from 'node:timers/promises';
import type { Reactor } from '@sluice/reactor';

/** Rounds of Node's loop without a turn of the reactor's: each of them polls its epoll. */
const QUIET_ROUNDS = 3;

/** Resolves when these have nothing to do until somebody else does something. */
export async function atRest(...reactors: readonly Reactor[]): Promise<void> {
  const turns = () => reactors.reduce((sum, reactor) => sum + reactor.stats().turns, 0);
  for (let quiet = 0, before = turns(); quiet < QUIET_ROUNDS; quiet += 1) {
    await setImmediate();
    const now = turns();
    if (now !== before) quiet = 0;
    before = now;
  }
}
