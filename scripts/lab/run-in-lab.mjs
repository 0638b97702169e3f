// Runs one command in the lab as if it were this process: its output, exit code and signals are ours.
// Rule: the kernel never outlives us, however we end. When we are killed its control line closes, and it turns itself off.
import { forwardSignals } from '../forward-signals.mjs';
import { startLab } from './start-lab.mjs';

/** As timeout(1). */
const TIMED_OUT = 124;
/** As a shell tells of SIGPIPE. */
const NO_READER = 141;
/** What a command has to end in once it was asked to. */
const GRACE_MS = 5_000;

/** Resolves with `{ code }`, or `{ signal }` if that ended the kernel under a command that had not listened to it. */
export async function runInLab(command, { timeoutMs, ...options } = {}) {
  const lab = await startLab(command, options);
  let asked;
  let ending;
  const ask = (signal, why) => {
    // Who asks twice means at once.
    if (asked !== undefined) return lab.end();
    asked = why;
    lab.signal(signal);
    ending = setTimeout(lab.end, GRACE_MS);
  };
  const stopForwarding = forwardSignals((signal) => ask(signal, { signal }));
  const clock =
    timeoutMs === undefined
      ? undefined
      : setTimeout(() => asked === undefined && ask('SIGTERM', { code: TIMED_OUT }), timeoutMs);
  relay(lab.stdout, process.stdout, lab.end);
  relay(lab.stderr, process.stderr, lab.end);
  try {
    const code = await lab.ended;
    if (asked?.code !== undefined) {
      process.stderr.write(`\nsluice: the command took longer than ${timeoutMs / 1000} s\n`);
      return asked;
    }
    if (code !== undefined) return { code };
    return asked ?? { code: NO_READER };
  } finally {
    clearTimeout(clock);
    clearTimeout(ending);
    stopForwarding();
  }
}

/** `end` is for a reader that has gone, `npm run lab -- dmesg | head`. */
function relay(from, to, end) {
  to.on('error', end);
  from.pipe(to, { end: false });
}
