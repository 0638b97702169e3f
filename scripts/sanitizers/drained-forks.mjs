// vitest's pool of processes, except in how they end: by themselves. vitest kills a worker that has run its file, and
// nothing that is killed looks for leaks; nor would process.exit() do, which frees neither V8's heap nor our objects.
//
// Rule: the channel to vitest is the last thing that a worker waits for. One that goes on without it has something open
// that its tests forgot, and that is a failure of its own.
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ForksPoolWorker } from 'vitest/node';

const PATIENCE_MS = 30_000;

/** To be used as vitest's `pool`. What went wrong at the end of a worker is written to `folder`, a file each. */
export function drainedForks(folder) {
  return { name: 'drained-forks', createPoolWorker: (options) => new DrainedFork(options, folder) };
}

class DrainedFork extends ForksPoolWorker {
  name = 'drained-forks';
  #folder;
  #files = 'no test file';

  constructor(options, folder) {
    super(options);
    this.#folder = folder;
  }

  send(message) {
    const files = message.context?.files?.map((file) => file.filepath);
    if (files !== undefined) this.#files = files.join(', ');
    super.send(message);
  }

  async stop() {
    const child = this.fork;
    const isAlive = child.exitCode === null && child.signalCode === null;
    const problem = isAlive ? await drain(child) : describeEnd(child);
    if (problem !== undefined) {
      writeFileSync(join(this.#folder, `worker.${child.pid}`), `the process of ${this.#files} ${problem}\n`);
    }
    child.stdout?.unpipe(this.stdout);
    child.stderr?.unpipe(this.stderr);
  }
}

/** Resolves, when `child` has ended, with what was wrong about that. */
async function drain(child) {
  const exited = once(child, 'exit');
  let problem;
  const impatient = setTimeout(() => {
    problem = `has something open: it did not end within ${PATIENCE_MS / 1000} s`;
    child.kill('SIGKILL');
  }, PATIENCE_MS);
  child.disconnect();
  await exited;
  clearTimeout(impatient);
  return problem ?? describeEnd(child);
}

function describeEnd({ exitCode, signalCode }) {
  if (exitCode === 0) return undefined;
  return `ended with ${signalCode ?? `code ${exitCode}`}`;
}
