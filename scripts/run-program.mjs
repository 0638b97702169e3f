// Runs one TypeScript program as if it were this process: its output, exit code and signals are ours.
// Rule: it never outlives us, however we end.
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { forwardSignals } from './forward-signals.mjs';
import { ROOT } from './root.mjs';

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
  const stopForwarding = forwardSignals((signal) => child.kill(signal));
  const [code, signal] = await new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('exit', (...how) => resolve(how));
  });
  stopForwarding();
  if (signal !== null) process.kill(process.pid, signal);
  else process.exitCode = code;
}
