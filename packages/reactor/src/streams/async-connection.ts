/**
 * A connection for code that waits: chunks by `for await`, writes that are awaited. What drives such code is `from-async.ts`.
 *
 * Rule: whoever waits here is woken, whatever becomes of the connection, and a promise that nobody waits for harms nobody. What
 * came before the end is delivered before it is told.
 */
import { Buffer } from 'node:buffer';
import type { Connection } from '../connection-contract.ts';
import type { UpgradeOptions } from '../connection-upgrade.ts';
import { ClosedError, UsageError } from '../errors.ts';
import type { Protocol } from '../protocol.ts';
import type { ClientTransport, ServerTransport } from '../transport.ts';
import { reportThrown } from './connection-machine.ts';
import { PacedWriter } from './paced-writer.ts';
import { Waiter } from './waiter.ts';

const NOTHING = new Uint8Array(0);

/** A connection for code that waits: chunks come by `for await`, writes are awaited. */
export class AsyncConnection implements AsyncIterable<Buffer> {
  /** For what is not here: addresses, deadlines, the transport. Is not to be read from, written to or ended beside this. */
  readonly connection: Connection;
  private readonly writer: PacedWriter;
  /** What came and nobody has waited for: one chunk of the connection at most, and what was put back. */
  private readonly chunks: Buffer[] = [];
  private readonly readers: Waiter<IteratorResult<Buffer, undefined>>[] = [];
  private upgrading: Waiter<void> | undefined;
  private ending: Waiter<void> | undefined;
  private hasPeerEnded = false;
  /** Another protocol has the connection. */
  private isHandedOver = false;
  /** Why nothing moves any more. */
  private failure: Error | undefined;
  private gone: AbortController | undefined;
  private shuttingDown: AbortController | undefined;

  constructor(connection: Connection) {
    this.connection = connection;
    this.writer = new PacedWriter(connection);
  }

  // ---- For the handler ---------------------------------------------------------------------------------------------

  /**
   * The chunks as they come, each a copy that is the receiver's to keep, until the peer has ended its side. While nobody waits
   * the connection is paused, with one chunk in hand. Leaving the loop (`break`) ends nothing and loses nothing: the next loop
   * goes on where it was left. A connection that fails throws what it failed with (a `SystemError` with `ECONNRESET`, a
   * `TlsError` with `ERR_TLS_TRUNCATED`, a `TimeoutError`), behind all that came before; one that was closed on our side
   * throws a `ClosedError`.
   */
  [Symbol.asyncIterator](): AsyncIterator<Buffer, undefined> {
    return { next: () => this.next() };
  }

  /**
   * Writes `data`, of any size. Resolves when the connection has taken it and is ready for more: awaiting it is backpressure.
   * A string is UTF-8; bytes must not change until then. Rejects with what the connection failed with, or a `ClosedError`.
   */
  write(data: string | Uint8Array): Promise<void> {
    const waiter = new Waiter<void>();
    const bytes = typeof data === 'string' ? Buffer.from(data) : data;
    if (!(bytes instanceof Uint8Array))
      waiter.reject(
        new UsageError('ERR_OPTION_VALUE', 'Only strings and bytes (Uint8Array) can be written.'),
      );
    else if (this.failure !== undefined) waiter.reject(this.failure);
    else if (this.ending !== undefined) waiter.reject(new ClosedError('Our side has been ended.'));
    else this.writer.write(bytes, waiter.done);
    return waiter.promise;
  }

  /** Ends our side behind all that was written. Resolves when everything has left, FIN included; reading goes on. */
  end(data?: string | Uint8Array): Promise<void> {
    if (data !== undefined) void this.write(data);
    if (this.ending !== undefined) return this.ending.promise;
    const ending = new Waiter<void>();
    this.writer.write(NOTHING, (error) => {
      if (error === undefined) this.connection.end();
      else ending.reject(error);
    });
    this.ending = ending;
    return ending.promise;
  }

  /** As of the connection: what was not sent is lost. Whoever waits is woken: by `error`, or by a `ClosedError`. */
  destroy(error?: Error): void {
    if (!this.isHandedOver) this.connection.destroy(error);
  }

  /** Puts bytes back: they are what is read next. They are kept by reference. */
  unshift(bytes: Uint8Array): void {
    if (bytes.length > 0) this.chunks.unshift(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length));
  }

  /**
   * `conn.upgrade()`, for STARTTLS and its like. What was read and is put back or not asked for is the new transport's. Resolves
   * when the handshake is done; throws as that does, and `ERR_UPGRADE` while a write is under way.
   */
  upgrade(
    transport: ServerTransport | ClientTransport,
    options: Partial<UpgradeOptions> = {},
  ): Promise<void> {
    this.checkIdle('ERR_UPGRADE', 'upgraded');
    const waiter = new Waiter<void>();
    if (this.failure !== undefined) {
      waiter.reject(this.failure);
      return waiter.promise;
    }
    this.connection.upgrade(transport, { ...options, head: this.unread(options.head) });
    this.chunks.length = 0;
    this.upgrading = waiter;
    this.connection.resume();
    return waiter.promise;
  }

  /**
   * `conn.become()`: hands the connection to another protocol, with what was read and is put back or not asked for behind
   * `head`. Nothing can be read or written here any more, and what the handler does from then on, ending included, leaves the
   * connection alone. Throws as `conn.become` does, and `ERR_BECOME` while a write is under way.
   */
  become<Next>(protocol: Protocol<Next>, head?: Uint8Array): boolean {
    this.checkIdle('ERR_BECOME', 'handed over');
    const isTaken = this.connection.become(protocol, this.unread(head));
    this.isHandedOver = true;
    this.chunks.length = 0;
    this.over(new ClosedError('The connection was handed to another protocol.'));
    return isTaken;
  }

  /** Aborted when the connection is gone, with what wakes the others: for what else is waited for, a `fetch` or a timer. */
  get signal(): AbortSignal {
    if (this.gone === undefined) {
      this.gone = new AbortController();
      if (this.failure !== undefined) this.gone.abort(this.failure);
    }
    return this.gone.signal;
  }

  /**
   * Aborted when the reactor shuts down. Whoever has asked for it is left to finish what was begun and to return, until the
   * deadline of the shutdown. Otherwise what was written leaves, the connection closes, and whoever waits gets a `ClosedError`.
   */
  get shutdownSignal(): AbortSignal {
    this.shuttingDown ??= new AbortController();
    return this.shuttingDown.signal;
  }

  // ---- For whoever drives it ---------------------------------------------------------------------------------------

  /**
   * The handler has thrown: that is reported, unless it was woken with just this, and costs the connection.
   *
   * @internal
   */
  onThrown(thrown: unknown): void {
    // An AbortError of Node's has the signal's reason for its cause.
    const source = thrown instanceof Error && thrown.cause === this.failure ? thrown.cause : thrown;
    if (this.failure !== undefined && source === this.failure) return;
    const error = reportThrown(this.connection, thrown);
    this.destroy(error);
  }

  /**
   * The handler has returned: what was written leaves, our side ends, and the peer has its time to end its own.
   *
   * @internal
   */
  leave(): void {
    if (this.failure !== undefined) return;
    this.writer.write(NOTHING, (error) => {
      if (error === undefined) this.connection.close();
    });
  }

  // ---- Told by the connection --------------------------------------------------------------------------------------

  /** @internal */
  onBytes(chunk: Buffer): void {
    const copy = Buffer.from(chunk);
    const reader = this.readers.shift();
    if (reader !== undefined) return reader.resolve({ done: false, value: copy });
    this.chunks.push(copy);
    this.connection.pause();
  }

  /** @internal */
  onDrain(): void {
    this.writer.drained();
  }

  /** @internal */
  onPeerEnded(): void {
    this.hasPeerEnded = true;
    for (const reader of this.readers.splice(0)) reader.resolve({ done: true, value: undefined });
  }

  /** @internal */
  onFinish(): void {
    this.ending?.done();
  }

  /** @internal */
  onUpgraded(): void {
    const { upgrading } = this;
    this.upgrading = undefined;
    upgrading?.resolve();
  }

  /** @internal */
  onShutdown(): void {
    if (this.shuttingDown !== undefined) return this.shuttingDown.abort();
    this.leave();
    this.over(new ClosedError('The reactor shuts down.'), false);
  }

  /**
   * The connection is gone, or not the handler's any more.
   *
   * @internal
   */
  over(failure: Error, failsWrites = true): void {
    if (failsWrites) this.writer.fail(failure);
    if (this.failure !== undefined) return;
    this.failure = failure;
    for (const reader of this.readers.splice(0)) reader.reject(failure);
    this.upgrading?.reject(failure);
    this.ending?.reject(failure);
    this.gone?.abort(failure);
  }

  private next(): Promise<IteratorResult<Buffer, undefined>> {
    const reader = new Waiter<IteratorResult<Buffer, undefined>>();
    const chunk = this.chunks.shift();
    if (chunk !== undefined) reader.resolve({ done: false, value: chunk });
    else if (this.hasPeerEnded) reader.resolve({ done: true, value: undefined });
    else if (this.failure !== undefined) reader.reject(this.failure);
    else {
      this.readers.push(reader);
      this.connection.resume();
    }
    return reader.promise;
  }

  private unread(head: Uint8Array = NOTHING): Uint8Array {
    return Buffer.concat([head, ...this.chunks]);
  }

  private checkIdle(code: 'ERR_UPGRADE' | 'ERR_BECOME', what: string): void {
    if (this.writer.isIdle) return;
    throw new UsageError(code, `This connection cannot be ${what}: a write is under way; await it before.`);
  }
}
