// Runs one program with its whole output in a log file.
// Rule: a failure shows the end of the log and where the rest is; the terminal never gets thousands of lines.
import { spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readFileSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { createInterface } from 'node:readline';
import { onInterruption } from './interruption.mjs';
import { SetupError } from './setup-error.mjs';

const SHOWN_LINES = 25;
const KILL_GRACE_MS = 2_000;

/**
 * Resolves when `command` ended with code 0 and throws a SetupError otherwise. `log` is appended to;
 * `onLine` sees every line of both outputs; after `timeoutMs` the program is ended and counts as failed.
 */
export async function runLogged(command, args, { log, cwd, env = process.env, onLine, timeoutMs } = {}) {
  mkdirSync(dirname(log), { recursive: true });
  const descriptor = openSync(log, 'a');
  writeSync(descriptor, `$ ${[command, ...args].join(' ')}\n`);
  const child = spawn(command, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] });
  const forget = onInterruption(() => child.kill('SIGTERM'));
  let timedOut = false;
  let killer;
  const timer =
    timeoutMs === undefined
      ? undefined
      : setTimeout(() => {
          timedOut = true;
          child.kill('SIGTERM');
          killer = setTimeout(() => child.kill('SIGKILL'), KILL_GRACE_MS);
        }, timeoutMs);
  const take = (line) => {
    writeSync(descriptor, `${line}\n`);
    onLine?.(line);
  };
  createInterface({ input: child.stdout }).on('line', take);
  createInterface({ input: child.stderr }).on('line', take);
  try {
    const problem = await new Promise((resolve) => {
      child.on('error', (error) => resolve(error.message));
      child.on('close', (code, signal) =>
        resolve(code === 0 ? undefined : `ended with ${signal ?? `code ${code}`}`),
      );
    });
    if (timedOut)
      throw new SetupError(failureMessage(command, `took longer than ${timeoutMs / 1000} s`, log));
    if (problem !== undefined) throw new SetupError(failureMessage(command, problem, log));
  } finally {
    clearTimeout(timer);
    clearTimeout(killer);
    forget();
    closeSync(descriptor);
  }
}

function failureMessage(command, problem, log) {
  const lines = readFileSync(log, 'utf8').trimEnd().split('\n').slice(-SHOWN_LINES);
  return `${command} ${problem}. The end of its output:\n\n${lines.map((line) => `    ${line}`).join('\n')}\n\nThe full log is in ${log}`;
}
