/**
 * A server program that is counted while it runs.
 *
 * Rule: it is ended by its own process id. Questions are asked between units, never during one: answering costs too.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { setImmediate as turn } from 'node:timers/promises';
import type { CountSnapshot, Tally } from './count-table.ts';
import { type Counting, counting, INSIDE } from './counting.ts';

/** Room for all that a measurement allocates: what is never collected needs no reckoning. */
const HEAP_FLAGS = ['--min-semi-space-size=64', '--max-semi-space-size=64'];

export class CountedServer {
  readonly port: number;
  readonly pid: number;
  private readonly child: ChildProcess;
  private readonly counting: Counting;

  private constructor(child: ChildProcess, counts: Counting, port: number) {
    this.child = child;
    this.counting = counts;
    this.port = port;
    this.pid = child.pid ?? 0;
  }

  /**
   * Starts `node NODE_FLAGS FILE FLAGS`, a server that prints `listening on HOST:PORT`. Rejects, with what it said, when it
   * ends instead.
   */
  static async start(
    nodeFlags: readonly string[],
    file: string,
    flags: readonly string[] = [],
  ): Promise<CountedServer> {
    const counts = counting();
    const args = [...HEAP_FLAGS, ...nodeFlags, '--import', INSIDE, file, ...flags];
    const child = spawn(process.execPath, args, {
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      env: { ...process.env, ...counts.env },
    });
    try {
      return new CountedServer(child, counts, await listening(child));
    } catch (thrown) {
      counts.dispose();
      throw thrown;
    }
  }

  counts(): CountSnapshot {
    return this.counting.table.snapshot();
  }

  /** Resolves when it waits for events, after `isDone` of what it had counted then. Rejects when it has ended. */
  async settled(isDone: (counts: CountSnapshot) => boolean = () => true): Promise<void> {
    // In this order: the turn that has counted it may be under way, and is over when it waits again.
    while (!isDone(this.counts()) || !this.counting.table.isWaiting) {
      if (this.child.exitCode !== null || this.child.signalCode !== null)
        throw new Error(`the server has ended with ${this.child.exitCode ?? this.child.signalCode}`);
      await turn();
    }
  }

  /** Bytes that its JavaScript has allocated; two answers are to be compared, the first means nothing. */
  heapBytes(): Promise<number> {
    return this.ask('heapBytes');
  }

  /** Its calls into the addon since this was asked last. From the first question on each allocates, to be counted. */
  crossings(): Promise<Tally> {
    return this.ask('crossings');
  }

  /** Resolves when it has ended. */
  async stop(): Promise<void> {
    const ended = once(this.child, 'exit');
    if (this.child.exitCode === null && this.child.signalCode === null) {
      this.child.kill('SIGTERM');
      await ended;
    }
    this.counting.dispose();
  }

  private async ask<T>(question: 'heapBytes' | 'crossings'): Promise<T> {
    const answer = once(this.child, 'message');
    this.child.send({ counted: question });
    const [{ counted }] = (await answer) as [{ readonly counted: T }];
    await this.settled();
    return counted;
  }
}

function listening(child: ChildProcess): Promise<number> {
  return new Promise((resolve, reject) => {
    let said = '';
    for (const stream of [child.stdout, child.stderr])
      stream?.setEncoding('utf8').on('data', (text: string) => {
        said += text;
        const [, port] = /^listening on .+:(\d+)$/m.exec(said) ?? [];
        if (port !== undefined) resolve(Number(port));
      });
    child.once('error', reject);
    child.once('exit', (code, signal) => reject(new Error(`it ended with ${code ?? signal}: ${said}`)));
  });
}
