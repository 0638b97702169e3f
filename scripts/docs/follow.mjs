// Follows a document as its reader would: one shell from the first command to the last, files written where the text says.
// Rule: nothing is done that the document does not say. What a command must show has to appear, and no command may fail.
import { spawn } from 'node:child_process';
import { appendFileSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { onInterruption } from '../../packages/core-native/scripts/interruption.mjs';
import { freePort } from '../free-port.mjs';
import { fencesOf, missingLine } from './fences.mjs';

/** For one block of commands, and for what it shows. */
const LIMIT_MS = 120_000;
const POLL_MS = 20;
const DONE = '--- done ---';

/**
 * Follows `markdown` in the folder `cwd`. Resolves with how many blocks of each kind there were; throws an Error with the line
 * and what was shown when something is not as the document says.
 *
 *   `env`      all that the commands see
 *   `ports`    numbers in the document that stand for free ports
 *   `instead`  a function from a command line to the one that is run in its place
 *   `limitMs`  how long one block may take, and what it shows
 */
export async function follow(
  markdown,
  { cwd, env, ports = [], instead = (line) => line, limitMs = LIMIT_MS },
) {
  const steps = fencesOf(await withFreePorts(markdown, ports));
  const shell = startShell(cwd, env, limitMs);
  const counts = { commands: 0, output: 0, file: 0 };
  try {
    for (const step of steps) {
      counts[step.kind] += 1;
      if (step.kind === 'file') writeStep(step, shell.folder);
      else if (step.kind === 'commands') await shell.run(step, instead);
      else await shell.expect(step);
    }
  } finally {
    await shell.end();
  }
  return counts;
}

function writeStep({ path, text, appends, line }, folder) {
  const file = join(folder, path);
  mkdirSync(dirname(file), { recursive: true });
  if (!appends) return writeFileSync(file, text);
  if (!existsSync(file)) throw new Error(`line ${line}: there is no ${path} to add to`);
  // As an editor leaves it: a blank line between what was there and what is new.
  appendFileSync(file, `\n${text}`);
}

function startShell(cwd, env, limitMs) {
  const bash = spawn('bash', ['--norc', '--noprofile'], {
    cwd,
    env,
    stdio: ['pipe', 'pipe', 'ignore'],
    detached: true, // A session of its own, by which all that comes of it is found.
  });
  let shown = '';
  let hasEnded = false;
  /** Whether a job runs in the background: what is not shown yet may still come. */
  let mayShowMore = false;
  bash.stdout.setEncoding('utf8').on('data', (text) => {
    shown += text;
  });
  bash.stdin.on('error', () => {}); // It ended: told below.
  const forget = onInterruption(() => killSession(bash.pid));
  const ended = new Promise((resolve) => {
    bash.once('close', () => {
      hasEnded = true;
      resolve();
    });
  });
  // As in a terminal: jobs that can be ended by %1, in process groups of their own.
  bash.stdin.write(`exec 2>&1; set -m; trap 'failed=$?' ERR\n`);
  const until = async (line, condition, problem, isHopeless = () => false) => {
    const deadlineMs = performance.now() + limitMs;
    while (!condition()) {
      if (hasEnded || isHopeless() || performance.now() > deadlineMs)
        throw new Error(`line ${line}: ${problem()}\n${shown}`);
      await delay(POLL_MS);
    }
  };
  const shell = {
    folder: cwd,
    async run({ line, text }, instead) {
      shown = '';
      const commands = text.trimEnd().split('\n').map(instead).join('\n');
      // What they read is nobody's: the shell's own input is the rest of the document.
      bash.stdin.write(
        `failed=0\n{\n${commands}\n} < /dev/null\necho; echo "${DONE} $failed $(jobs -r | wc -l) $PWD"\n`,
      );
      const done = () => new RegExp(`^${DONE} (\\d+) (\\d+) (.*)\n`, 'm').exec(shown);
      await until(line, done, () => 'the commands do not come to an end');
      const [mark, code, jobs, folder] = done();
      mayShowMore = jobs !== '0';
      shown = shown.replace(mark, '');
      shell.folder = folder;
      if (code !== '0') throw new Error(`line ${line}: a command ended with ${code}\n${shown}`);
    },
    expect: ({ line, text }) => {
      const missing = () => missingLine(text, shown);
      const problem = () => `this was not shown: ${missing()}`;
      return until(
        line,
        () => missing() === undefined,
        problem,
        () => !mayShowMore,
      );
    },
    /** With everything that was started by it, whatever that does. */
    async end() {
      while (killSession(bash.pid)) await delay(POLL_MS);
      await ended;
      forget();
    },
  };
  return shell;
}

/** Kills every process of a session, proc(5); false when there are none but those that are dead. */
function killSession(session) {
  let found = false;
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    try {
      const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
      const [state, , , itsSession] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      if (Number(itsSession) !== session || state === 'Z') continue;
      found = true;
      process.kill(Number(pid), 'SIGKILL');
    } catch {
      // Gone meanwhile.
    }
  }
  return found;
}

/** A reader has the document's ports to itself; a machine that runs tests may not. */
async function withFreePorts(markdown, ports) {
  let text = markdown;
  for (const port of ports) {
    if (!text.includes(String(port))) throw new Error(`the document has no port ${port}`);
    text = text.replaceAll(String(port), String(await freePort()));
  }
  return text;
}
