// Runs one TypeScript program as if it were this process: its output, exit code and signals are ours.
// Rule: it never outlives us, however we end.
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { ROOT } from './root.mjs';

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'];
const SAME_KEYPRESS_MS = 500;
const PARENT_CHECK_MS = 500;

/** Runs `file` (an absolute path) with `args` in the caller's folder; ends this process the way it ended. */
export async function runProgram(file, args) {
  const preloads = ['register-typescript.mjs', 'end-with-parent.mjs'];
  const child = spawn(
    process.execPath,
    [
      ...preloads.flatMap((name) => ['--import', pathToFileURL(join(ROOT, 'scripts', name)).href]),
      file,
      ...args,
    ],
    {
      // A terminal sends Ctrl-C to its whole foreground group and npm sends it once more. In a session of its
      // own the program hears of it once, from us; a second Ctrl-C can then mean "at once".
      detached: true,
      stdio: [process.stdin.isTTY ? 'ignore' : 'inherit', 'inherit', 'inherit', 'ipc'],
    },
  );
  const stopForwarding = forwardSignals(child);
  const [code, signal] = await new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('exit', (...how) => resolve(how));
  });
  stopForwarding();
  if (signal !== null) process.kill(process.pid, signal);
  else process.exitCode = code;
}

function forwardSignals(child) {
  const lastMs = new Map();
  const forward = (signal) => {
    const nowMs = performance.now();
    if (nowMs - (lastMs.get(signal) ?? Number.NEGATIVE_INFINITY) > SAME_KEYPRESS_MS) child.kill(signal);
    lastMs.set(signal, nowMs);
  };
  for (const signal of SIGNALS) process.on(signal, forward);
  const stopWatching = onLostNpm(() => child.kill('SIGTERM'));
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
