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
    if (child.exitCode === null && child.signalCode === null) await this.#drain(child);
    if (child.exitCode !== 0) {
      const how = child.signalCode ?? `code ${child.exitCode}`;
      this.#complain(child, `ended with ${how}`);
    }
    child.stdout?.unpipe(this.stdout);
    child.stderr?.unpipe(this.stderr);
  }

  async #drain(child) {
    const exited = once(child, 'exit');
    const impatient = setTimeout(() => {
      this.#complain(child, `has something open: it did not end within ${PATIENCE_MS / 1000} s`);
      child.kill('SIGKILL');
    }, PATIENCE_MS);
    child.disconnect();
    await exited;
    clearTimeout(impatient);
  }

  #complain(child, problem) {
    writeFileSync(join(this.#folder, `worker.${child.pid}`), `the process of ${this.#files} ${problem}\n`, {
      flag: 'a',
    });
  }
}
