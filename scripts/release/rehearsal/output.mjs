// One program of the rehearsal, run to its end.
// Rule: a failure is a SetupError with the end of what the program said; a program that hangs is a failure, too.
import { spawnSync } from 'node:child_process';
import { SetupError } from '../../../packages/core-native/scripts/setup-error.mjs';

const LIMIT_MS = 120_000;
const SHOWN_LINES = 25;

/** What `command` wrote to standard output. `env` is the whole environment; the default is this process's own. */
export function output(command, args, { cwd, env = process.env, limitMs = LIMIT_MS }) {
  const { status, stdout, stderr, error } = spawnSync(command, args, {
    cwd,
    env,
    encoding: 'utf8',
    timeout: limitMs,
    maxBuffer: 64 << 20,
  });
  if (status === 0) return stdout;
  const said = [error?.message, stdout, stderr].filter(Boolean).join('\n').trim().split('\n');
  const shown = said.slice(-SHOWN_LINES).join('\n');
  throw new SetupError(`${command} ${args.slice(0, 3).join(' ')} ended with ${status}:\n${shown}`);
}
