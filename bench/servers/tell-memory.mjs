// Loaded into a server whose memory is measured: collects its garbage and tells what is left, each time it is asked.
// Without the collection a figure would tell when the last one happened to run.
import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { isMainThread } from 'node:worker_threads';

/** What a collection frees is given back to the system little by little, by threads of V8. */
const PAUSE_MS = 200;
/** It is all given back when so many collections in a row have brought no less. */
const ROUNDS_WITHOUT_NEWS = 5;
const MOST_ROUNDS = 50;
/** A page here and there comes and goes. */
const NOISE_BYTES = 256 * 1024;

if (isMainThread && process.channel) {
  process.on('message', async (question) => {
    if (question === 'memory') process.send(await memoryAfterCollecting());
  });
  // Being asked is no reason to stay.
  process.channel.unref();
}

async function memoryAfterCollecting() {
  let least = memoryNow();
  for (let round = 0, since = 0; since < ROUNDS_WITHOUT_NEWS && round < MOST_ROUNDS; round += 1) {
    globalThis.gc();
    await delay(PAUSE_MS);
    const now = memoryNow();
    since = now.residentBytes < least.residentBytes - NOISE_BYTES ? 0 : since + 1;
    if (now.residentBytes < least.residentBytes) least = now;
  }
  return least;
}

/** RssAnon of proc_pid_status(5): the pages of files, Node's own binary first, come and go as the kernel likes. */
function memoryNow() {
  const [, kibibytes] = /^RssAnon:\s+(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8'));
  return { residentBytes: Number(kibibytes) * 1024, heapBytes: process.memoryUsage().heapUsed };
}
