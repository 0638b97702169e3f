// What must be undone when the person presses Ctrl-C in the middle of a set-up.
// Rule: whoever holds something outside this process (a child, a lock) registers how to let go of it.
import process from 'node:process';

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'];
const cleanups = new Set();

/** Calls `cleanup` (synchronous) if a signal ends this process before the returned function was called. */
export function onInterruption(cleanup) {
  if (cleanups.size === 0) for (const signal of SIGNALS) process.on(signal, interrupted);
  cleanups.add(cleanup);
  return () => {
    cleanups.delete(cleanup);
    if (cleanups.size === 0) stopListening();
  };
}

function interrupted(signal) {
  for (const cleanup of cleanups) cleanup();
  cleanups.clear();
  stopListening();
  // With the listeners gone the signal has its usual effect, so that our parent sees why we ended.
  process.kill(process.pid, signal);
}

function stopListening() {
  for (const signal of SIGNALS) process.off(signal, interrupted);
}
