/**
 * A server under test: started, awaited, ended.
 *
 * Rule: it is ended by its own process id, in order first (SIGTERM), and for good when that takes too long.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { BenchError } from './bench-error.ts';
import { cpuSeconds } from './cpu-time.ts';
import { endProcess } from './end-process.ts';
import { Messages } from './messages.ts';
import { residentBytes } from './resident-memory.ts';

const READY_TIMEOUT_MS = 20_000;
const LISTENING = /^listening on (.+):(\d+)$/;
/** Said before that by a program that only starts the server: whom to measure. */
const SERVED_BY = /^served by process (\d+)$/;
/** Of what a server said on standard error, this much is kept to explain why it did not start. */
const KEPT_CHARACTERS = 4_000;

/** What a server holds once its garbage is collected. */
export interface ServerMemory {
  /** Resident and its own: the pages of files that it has mapped are not counted. */
  readonly residentBytes: number;
  /** Live objects of JavaScript. */
  readonly heapBytes: number;
}

export class ServerProcess {
  /** The contender's. */
  readonly name: string;
  /** `HOST:PORT` as the server printed it. */
  readonly authority: string;
  /** The process whose CPU time and memory, with that of its children, are the server's. */
  readonly pid: number;
  private readonly child: ChildProcess;
  private readonly messages: Messages;

  private constructor(name: string, child: ChildProcess, { authority, pid }: Started) {
    this.name = name;
    this.child = child;
    this.messages = new Messages('the server', child);
    this.authority = authority;
    this.pid = pid;
  }

  /** Resolves when it listens. Rejects with {@link BenchError}, and what it said, when it ends or stays silent instead. */
  static async start(name: string, command: readonly string[], signal: AbortSignal): Promise<ServerProcess> {
    signal.throwIfAborted();
    const [program = '', ...args] = command;
    // The channel tells a Node server that we are gone, however we went; others do not notice it.
    const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe', 'ipc'] });
    const said = collect(child);
    try {
      return new ServerProcess(name, child, await listening(child, signal));
    } catch (thrown) {
      await endProcess(child);
      if (signal.aborted) throw thrown;
      throw new BenchError(`the server "${name}" did not start: ${(thrown as Error).message}\n${said()}`);
    }
  }

  /** The two parts of {@link authority}, for a load generator of ours. */
  get endpoint(): readonly [host: string, port: string] {
    const colon = this.authority.lastIndexOf(':');
    return [this.authority.slice(0, colon).replace(/[[\]]/g, ''), this.authority.slice(colon + 1)];
  }

  /** CPU time used so far; throws when the server has ended. */
  cpuSeconds(): number {
    return cpuSeconds(this.pid);
  }

  /** Memory that it holds as it is, garbage and all: resident, its own. Throws when the server has ended. */
  residentBytes(): number {
    return residentBytes(this.pid);
  }

  /** What it holds after collecting its garbage. For a server that was started with `TELLS_MEMORY`. */
  async memory(): Promise<ServerMemory> {
    return this.ask<ServerMemory>('memory');
  }

  /** What it answers to something that its program is known to understand. */
  ask<T>(question: string | number): Promise<T> {
    this.child.send(question);
    return this.messages.next<T>();
  }

  /** Resolves when it has ended. Twice is harmless. */
  stop(): Promise<void> {
    return endProcess(this.child);
  }
}

function collect(child: ChildProcess): () => string {
  let text = '';
  child.stderr?.setEncoding('utf8').on('data', (chunk: string) => {
    text = (text + chunk).slice(-KEPT_CHARACTERS);
  });
  return () => text;
}

/** What a server has told when it is ready. */
interface Started {
  readonly authority: string;
  readonly pid: number;
}

/** The authority out of the line that says so. */
function listening(child: ChildProcess, signal: AbortSignal): Promise<Started> {
  const { promise, resolve, reject } = withResolvers<Started>();
  let pid = child.pid as number;
  const { stdout } = child;
  if (stdout === null) throw new Error('it has no standard output');
  createInterface({ input: stdout }).on('line', (line) => {
    const [, servedBy] = SERVED_BY.exec(line) ?? [];
    if (servedBy !== undefined) pid = Number(servedBy);
    const match = LISTENING.exec(line);
    if (match !== null) resolve({ authority: `${match[1]}:${match[2]}`, pid });
  });
  child.once('error', reject).once('exit', (code, how) => reject(new Error(`it ended with ${code ?? how}`)));
  const timer = setTimeout(
    () => reject(new Error('it never said "listening on HOST:PORT"')),
    READY_TIMEOUT_MS,
  );
  const onAbort = () => reject(signal.reason as Error);
  signal.addEventListener('abort', onAbort, { once: true });
  return promise.finally(() => {
    clearTimeout(timer);
    signal.removeEventListener('abort', onAbort);
  });
}

/** Promise.withResolvers, which Node 20 does not have. */
function withResolvers<T>(): {
  promise: Promise<T>;
  resolve: (value: T) => void;
  reject: (error: Error) => void;
} {
  let resolve: (value: T) => void = () => {};
  let reject: (error: Error) => void = () => {};
  const promise = new Promise<T>((yes, no) => {
    resolve = yes;
    reject = no;
  });
  return { promise, resolve, reject };
}
