/**
 * A load generator of ours: a program in `loads/`, in a process and on a core of its own, that says what it has done.
 *
 * Rule: what it cannot do is said in words and becomes an error of the run, never a figure.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { BenchError } from './bench-error.ts';
import { endProcess } from './end-process.ts';
import { Messages } from './messages.ts';
import type { Load } from './suite.ts';
import { PRELOADS, ROOT } from './typescript-program.ts';

/** What a program in `loads/` says when it cannot go on. */
export interface LoadFailure {
  readonly failed: string;
}

export class LoadProcess {
  private readonly child: ChildProcess;
  private readonly messages: Messages;
  private readonly onAbort = () => void this.stop();
  private readonly signal: AbortSignal;

  /** Starts `loads/NAME.ts` with `args`; `prefix` is put behind the pinning, in front of the program. */
  constructor(
    name: string,
    args: readonly string[],
    { pinning, signal }: Pick<Load, 'pinning' | 'signal'>,
    prefix: readonly string[] = [],
  ) {
    signal.throwIfAborted();
    const file = fileURLToPath(new URL(`bench/loads/${name}.ts`, ROOT));
    const command = [...pinning.load, ...prefix, process.execPath, ...PRELOADS, file, ...args];
    const [program = '', ...rest] = command;
    this.child = spawn(program, rest, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
    this.messages = new Messages(`the load "${name}"`, this.child);
    this.signal = signal;
    signal.addEventListener('abort', this.onAbort, { once: true });
  }

  /** The next thing that it says. Rejects with {@link BenchError} when it cannot go on, or ends. */
  async says<T extends object>(): Promise<T> {
    const message = await this.messages.next<T | LoadFailure>();
    this.signal.throwIfAborted();
    if ('failed' in message) throw new BenchError(`the load met a failure: ${message.failed}`);
    return message;
  }

  /** Asks for `what`, and answers what it says to that. */
  ask<T extends object>(what: string): Promise<T> {
    const answer = this.says<T>();
    this.child.send(what);
    return answer;
  }

  /** Resolves when it has ended. Twice is harmless. */
  stop(): Promise<void> {
    this.signal.removeEventListener('abort', this.onAbort);
    return endProcess(this.child);
  }
}
