/**
 * A connection in memory: a test says what arrives and when the write queue moves, and reads what was sent.
 *
 * Rule: as strict as the real one. Chunks are poisoned after `onData`, nothing is delivered while paused or after
 * `close()`, and `onClose` comes once, at once when destroyed.
 */
import type {
  CloseReason,
  Connection,
  Lifecycle,
  OpenDeadline,
  Protocol,
  ReadHalf,
  Timeouts,
  Transport,
  WriteHalf,
} from '@sluice/reactor';

const POISON = 0xdd;

export interface FakeConnectionOptions {
  /** Bytes in the queue from which on `write` answers false. Infinite: everything leaves at once. */
  readonly highWaterMarkBytes?: number;
}

export class FakeConnection<State> implements Connection<State> {
  state: State;
  readonly id = 1;
  lifecycle: Lifecycle = 'open';
  readHalf: ReadHalf = 'idle';
  writeHalf: WriteHalf = 'ready';
  readonly transport = { name: 'fake', secure: false } as unknown as Transport;
  readonly remoteAddress = undefined;
  readonly localAddress = undefined;
  readonly queuedFileBytes = 0;
  queuedBytes = 0;
  needsDrain = false;
  /** `pause`, `resume`, `end`, `close`, `destroy`, `closed <reason>`, in order. */
  readonly calls: string[] = [];
  /** The error given to `destroy`. */
  destroyedWith: Error | undefined;
  /** What `setDeadline` was last told; 0 while none is set. */
  deadlineMs = 0;
  /** What was given to `writeShared`: the very objects. */
  readonly shared: Uint8Array[] = [];
  /** How many writes were accepted. */
  writes = 0;
  #protocol: Protocol<State>;
  readonly #highWaterMarkBytes: number;
  readonly #sent: Buffer[] = [];
  /** What arrived while paused. */
  #waiting: Buffer[] = [];
  #peerEnd: 'none' | 'waiting' | 'told' = 'none';

  constructor(protocol: Protocol<State>, options: FakeConnectionOptions = {}) {
    this.#protocol = protocol;
    this.#highWaterMarkBytes = options.highWaterMarkBytes ?? Number.POSITIVE_INFINITY;
    this.state = undefined as State;
    this.state = protocol.onOpen(this);
  }

  tcpInfo(): undefined {}

  upgrade(): void {
    throw new Error('HTTP never upgrades its transport');
  }

  /** What the other protocol gets first waits for the next {@link turn}, as with the real one. */
  become<Next>(protocol: Protocol<Next>, head: Uint8Array = Buffer.alloc(0)): boolean {
    if (!this.#runsHooks) return false;
    this.calls.push('become');
    this.#protocol = protocol as unknown as Protocol<State>;
    this.deadlineMs = 0;
    if (this.readHalf !== 'ended') this.readHalf = 'idle';
    if (head.length > 0) this.#waiting.unshift(Buffer.from(head));
    if (this.#peerEnd === 'told') this.#peerEnd = 'waiting';
    this.state = this.#protocol.onOpen(this);
    return true;
  }

  // ---- what a test does ----

  /** Bytes arrive; text is Latin-1. While paused they wait. */
  receive(data: string | Uint8Array): this {
    this.#waiting.push(Buffer.from(typeof data === 'string' ? Buffer.from(data, 'latin1') : data));
    this.turn();
    return this;
  }

  /** The peer ends its side. */
  receiveEnd(): this {
    this.#peerEnd = 'waiting';
    this.turn();
    return this;
  }

  /** The write queue empties. */
  drain(): this {
    this.queuedBytes = 0;
    if (this.writeHalf === 'ending') this.writeHalf = 'ended';
    if (this.needsDrain && this.#runsHooks) {
      this.needsDrain = false;
      this.#protocol.onDrain?.(this);
    }
    return this;
  }

  /** The network breaks the connection. */
  reset(cause = new Error('ECONNRESET')): this {
    this.#finish('reset', cause);
    return this;
  }

  /** The reactor shuts down. */
  shutdown(): this {
    this.#protocol.onShutdown?.(this);
    return this;
  }

  /** A deadline passes. */
  timeout(which: OpenDeadline): this {
    if (which === 'protocol') this.deadlineMs = 0;
    if (this.#protocol.onTimeout?.(this, which) !== true) this.#finish('timeout', undefined);
    return this;
  }

  /** Delivers what waits, as the reactor does from its ready list. */
  turn(): void {
    while (this.#waiting.length > 0 && this.readHalf !== 'paused') {
      const chunk = this.#waiting.shift() as Buffer;
      if (!this.#runsHooks) continue;
      this.#protocol.onData?.(this, chunk);
      chunk.fill(POISON);
    }
    if (this.#peerEnd !== 'waiting' || this.readHalf === 'paused') return;
    this.#peerEnd = 'told';
    this.readHalf = 'ended';
    if (this.#runsHooks) this.#protocol.onEnd?.(this);
    if (this.writeHalf !== 'ready') this.#finish('clean', undefined);
  }

  /** Everything that was written and not taken before, as Latin-1 text. */
  take(): string {
    return Buffer.concat(this.#sent.splice(0)).toString('latin1');
  }

  get isPaused(): boolean {
    return this.readHalf === 'paused';
  }

  // ---- what the protocol does ----

  write(data: string | Uint8Array, encoding: 'utf8' | 'latin1' = 'utf8'): boolean {
    if (this.writeHalf !== 'ready') return false;
    const bytes = typeof data === 'string' ? Buffer.from(data, encoding) : Buffer.from(data);
    this.#sent.push(bytes);
    this.writes++;
    if (this.#highWaterMarkBytes === Number.POSITIVE_INFINITY) return true;
    this.queuedBytes += bytes.length;
    if (this.queuedBytes >= this.#highWaterMarkBytes) this.needsDrain = true;
    return !this.needsDrain;
  }

  writeShared(data: Uint8Array): boolean {
    this.shared.push(data);
    return this.write(data);
  }

  /** Nothing here sends files. */
  sendFile(): Promise<number> {
    return Promise.reject(new Error('no files here'));
  }

  sendOpenFile(): Promise<number> {
    return this.sendFile();
  }

  end(data?: string | Uint8Array): void {
    if (data !== undefined) this.write(data);
    if (this.writeHalf !== 'ready') return;
    this.calls.push('end');
    this.writeHalf = this.queuedBytes === 0 ? 'ended' : 'ending';
  }

  close(): void {
    if (this.lifecycle !== 'open') return;
    this.calls.push('close');
    this.lifecycle = 'closing';
    if (this.readHalf === 'paused') this.readHalf = 'idle';
    if (this.writeHalf === 'ready') this.writeHalf = this.queuedBytes === 0 ? 'ended' : 'ending';
    if (this.#peerEnd === 'told') this.#finish('clean', undefined);
  }

  destroy(error?: Error): void {
    if (this.lifecycle === 'closed') return;
    this.calls.push('destroy');
    this.destroyedWith = error;
    this.#finish(error === undefined ? 'clean' : 'error', error);
  }

  setTimeouts(timeouts: Partial<Timeouts>): void {
    this.calls.push(`setTimeouts ${JSON.stringify(timeouts)}`);
  }

  setDeadline(afterMs: number): void {
    this.deadlineMs = afterMs;
  }

  pause(): void {
    if (!this.#runsHooks || this.readHalf === 'ended') return;
    this.calls.push('pause');
    this.readHalf = 'paused';
  }

  unshift(): boolean {
    throw new Error('HTTP gives no byte back');
  }

  resume(): void {
    if (this.readHalf !== 'paused') return;
    this.calls.push('resume');
    this.readHalf = 'idle';
  }

  get #runsHooks(): boolean {
    return this.lifecycle === 'open' || this.lifecycle === 'early';
  }

  #finish(reason: CloseReason, cause: Error | undefined): void {
    if (this.lifecycle === 'closed') return;
    this.calls.push(`closed ${reason}`);
    this.lifecycle = 'closed';
    this.readHalf = 'ended';
    this.writeHalf = 'ended';
    this.#protocol.onClose?.(this, reason, cause);
  }
}
