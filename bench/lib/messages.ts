/**
 * Messages of a process that we started, over the channel that Node gives it.
 *
 * Rule: one that comes before it is asked for is kept.
 */
import type { ChildProcess } from 'node:child_process';
import { BenchError } from './bench-error.ts';

const ANSWER_TIMEOUT_MS = 120_000;

export class Messages {
  private readonly name: string;
  private readonly kept: unknown[] = [];
  private over: BenchError | undefined;
  private wake = () => {};

  /** `name` is what errors call the process. */
  constructor(name: string, child: ChildProcess) {
    this.name = name;
    child.on('message', (message) => {
      this.kept.push(message);
      this.wake();
    });
    child.once('error', (error) => this.end(`failed: ${error.message}`));
    child.once('exit', (code, signal) => this.end(`ended with ${code ?? signal}`));
  }

  /** The oldest that was not asked for yet. Rejects with {@link BenchError} when it ends first, or says nothing for two minutes. */
  async next<T>(): Promise<T> {
    if (this.kept.length === 0 && this.over === undefined) await this.news();
    if (this.kept.length > 0) return this.kept.shift() as T;
    throw this.over ?? new BenchError(`${this.name} said nothing for two minutes`);
  }

  private news(): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ANSWER_TIMEOUT_MS);
      this.wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  private end(how: string): void {
    this.over ??= new BenchError(`${this.name} ${how}`);
    this.wake();
  }
}
