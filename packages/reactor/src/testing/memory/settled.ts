/** What a promise of a reactor in memory comes to: it needs the network to move for that. */
import assert from 'node:assert/strict';
import type { MemoryNetwork } from './memory-network.ts';

/** Waits for `promise` while the network settles. `AssertionError` when that is not enough. */
export async function settled<T>(network: MemoryNetwork, promise: Promise<T>): Promise<T> {
  let isSettled = false;
  const noted = promise.finally(() => {
    isSettled = true;
  });
  noted.catch(() => {});
  await network.settle();
  if (!isSettled) assert.fail('the connection does not open: a connect without an answer');
  return noted;
}
