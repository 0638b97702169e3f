// Loaded into a server that is counted (`--import`): answers what its JavaScript has allocated, and what it has called in the
// addon.
// Rule: nothing is wrapped before the calls are asked for the first time, for what wraps them allocates.

import { GCProfiler, getHeapStatistics } from 'node:v8';
import { isMainThread } from 'node:worker_threads';

const answers = { heapBytes, crossings };

if (isMainThread && process.channel) {
  process.on('message', async (question) => {
    const answer = answers[question?.counted];
    if (answer !== undefined) process.send({ counted: await answer() });
  });
  // Whoever asks may be gone without a word.
  process.once('disconnect', () => process.kill(process.pid, 'SIGTERM'));
  // Being asked is no reason to stay.
  process.channel.unref();
}

let profiler;
let collectedBytes = 0;

/** Allocated so far: what is there, and what was collected since the first question. */
function heapBytes() {
  const { used_heap_size: thereBytes } = getHeapStatistics();
  for (const { beforeGC, afterGC } of profiler?.stop().statistics ?? [])
    collectedBytes += beforeGC.heapStatistics.usedHeapSize - afterGC.heapStatistics.usedHeapSize;
  // One that was stopped does not start again.
  profiler = new GCProfiler();
  profiler.start();
  return thereBytes + collectedBytes;
}

let calls;

/** By name: calls into the addon since the last question, and from it into JavaScript. */
async function crossings() {
  const counted = calls ?? {};
  if (calls === undefined) await wrapAddon();
  calls = {};
  return counted;
}

async function wrapAddon() {
  const { loadNative } = await import('@sluice/core-native');
  const native = loadNative();
  wrapMethods(native, '');
  for (const [name, made] of Object.entries(native)) {
    // A class, and not a function: what it makes is counted by its methods, and making one too.
    if (typeof made !== 'function' || !/^[A-Z]/.test(name)) continue;
    wrapMethods(made.prototype, `${name}.`);
    native[name] = new Proxy(made, {
      construct(target, args, newTarget) {
        note(`new ${name}`);
        return Reflect.construct(target, args, newTarget === native[name] ? target : newTarget);
      },
    });
  }
}

function wrapMethods(owner, prefix) {
  for (const [name, { value }] of Object.entries(Object.getOwnPropertyDescriptors(owner))) {
    if (typeof value !== 'function' || /^[A-Z]/.test(name) || name === 'constructor') continue;
    const counted = function (...args) {
      note(prefix + name);
      return Reflect.apply(value, this, args);
    };
    Object.defineProperty(owner, name, { value: counted, configurable: true, writable: true });
  }
}

function note(name) {
  if (calls !== undefined) calls[name] = (calls[name] ?? 0) + 1;
}
