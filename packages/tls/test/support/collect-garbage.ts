/** Makes the collector run, so that what nobody holds is gone when a test counts. */
import { setImmediate } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

/** Collects, and lets finalizers, which Node-API runs from the event loop, come to their turn. */
export async function collectGarbage(): Promise<void> {
  for (let round = 0; round < 4; round += 1) {
    collect();
    await setImmediate();
  }
}
