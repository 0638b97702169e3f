// The signals that ask this process to end, passed on to what it runs.
// Rule: a key that is pressed once is heard once: a terminal tells its whole foreground group and npm tells us again.

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'];
const SAME_KEYPRESS_MS = 500;
const PARENT_CHECK_MS = 500;

/** Calls `deliver(signal)` for each signal, and for an npm that is gone, until the returned function is called. */
export function forwardSignals(deliver) {
  const lastMs = new Map();
  const forward = (signal) => {
    const nowMs = performance.now();
    if (nowMs - (lastMs.get(signal) ?? Number.NEGATIVE_INFINITY) > SAME_KEYPRESS_MS) deliver(signal);
    lastMs.set(signal, nowMs);
  };
  for (const signal of SIGNALS) process.on(signal, forward);
  const stopWatching = onLostNpm(() => deliver('SIGTERM'));
  return () => {
    stopWatching();
    for (const signal of SIGNALS) process.off(signal, forward);
  };
}

/** An npm that was killed tells nobody. Started by hand there is no npm, and outliving the shell is fine (nohup). */
function onLostNpm(action) {
  if (process.env.npm_lifecycle_event === undefined) return () => {};
  const parent = process.ppid;
  const timer = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(timer);
    action();
  }, PARENT_CHECK_MS);
  timer.unref();
  return () => clearInterval(timer);
}
