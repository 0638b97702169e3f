// Loaded into a server whose memory is measured: collects its garbage and tells what is left, each time it is asked.
// Without the collection a figure would tell when the last one happened to run.
import { setTimeout as delay } from 'node:timers/promises';
import { isMainThread } from 'node:worker_threads';

/** What a collection frees is given back to the system little by little, by threads of V8. */
const ROUNDS = 4;
const PAUSE_MS = 200;

if (isMainThread && process.channel) {
  process.on('message', async (question) => {
    if (question !== 'memory') return;
    for (let round = 0; round < ROUNDS; round += 1) {
      globalThis.gc();
      await delay(PAUSE_MS);
    }
    process.send(process.memoryUsage());
  });
  // Being asked is no reason to stay.
  process.channel.unref();
}
