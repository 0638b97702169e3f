/**
 * A connection as a Node stream: a `Duplex` that also has what npm packages ask of a `net.Socket`. It is made by
 * `toDuplex` and `fromDuplex`.
 *
 * Rule: what Node's own socket does is done here too, and whatever differs is said here. No byte is kept beyond the marks of
 * both sides, and none that a write was told of is lost but by an error.
 */
import { Buffer } from 'node:buffer';
import { Duplex } from 'node:stream';
import type { Connection } from '../connection-contract.ts';
import { ClosedError } from '../errors.ts';
import type { CloseReason, Protocol } from '../protocol.ts';
import { machineOf } from './connection-machine.ts';
import { PacedWriter } from './paced-writer.ts';

/** Options of a stream over a connection, by the names that Node has for them. */
export interface DuplexOptions {
  /** Whether our side stays open when the peer has ended its own. Default false: it ends when all has been read, as `net` does. */
  readonly allowHalfOpen?: boolean;
  /** Bytes that have come and were not read, before reading from the connection pauses. Default: Node's. */
  readonly readableHighWaterMark?: number;
  /** Bytes that were written and not taken, before `write` answers false. Default: Node's. */
  readonly writableHighWaterMark?: number;
}

/** As `net.Socket.address()` has it; of a Unix socket, and once closed, empty. */
export interface DuplexAddress {
  readonly address?: string;
  readonly family?: string;
  readonly port?: number;
}

/**
 * A connection as a stream of Node, with as much of `net.Socket` as packages expect of one. Where it is not like `net.Socket`:
 *
 * - `write` is told that its bytes were taken when the connection has taken them and is below its low-water mark; `end` is
 *   told ('finish') when everything has left, FIN included.
 * - `destroy(error)` resets the connection (over TLS: no close_notify), so that the peer does not take what it got for all there was.
 *   `destroy()` closes in order; bytes that `write` had been told of still leave, for as long as `close()` of the connection waits.
 * - The deadlines of the reactor's limits hold: they destroy the stream with a `TimeoutError`. `setTimeout` only tells, as in `net`.
 * - A listener that throws while bytes are delivered costs its own connection and not the process.
 * - 'shutdown' is emitted when the reactor shuts down. Where nobody listens, the stream is left with `destroySoon()`.
 */
export class ConnectionDuplex extends Duplex {
  /** Is not to be read from, written to or ended beside the stream; all else of it may be used. */
  readonly connection: Connection;
  /** There is no connecting any more; `net.Socket` has both. */
  readonly connecting = false;
  readonly pending = false;
  /** What `setTimeout` was given last. */
  timeout = 0;
  bytesRead = 0;
  readonly #writer: PacedWriter;
  #bytesTaken = 0;
  /** The stream asked for silence, and asks when to go on. */
  #isPaused = false;
  #hasPeerEnded = false;
  #hasSideEnded = false;
  #isGone = false;
  /** Of `end`, until our side has ended. */
  #final: ((error?: Error) => void) | undefined;
  #closing: 'at once' | 'in order' | 'by reset' = 'at once';
  #queuedAtTimer = 0;
  #remote: Connection['remoteAddress'];
  #local: Connection['localAddress'];

  constructor(connection: Connection, options: DuplexOptions) {
    const { allowHalfOpen = false, readableHighWaterMark, writableHighWaterMark } = options;
    super({
      allowHalfOpen,
      ...(readableHighWaterMark !== undefined && { readableHighWaterMark }),
      ...(writableHighWaterMark !== undefined && { writableHighWaterMark }),
    });
    this.connection = connection;
    this.#writer = new PacedWriter(connection);
  }

  /** The hooks that feed it. `handler` gets each new stream; what it throws costs the connection. */
  static protocol(
    options: DuplexOptions,
    handler: (stream: ConnectionDuplex) => void,
  ): Protocol<ConnectionDuplex> {
    return {
      onOpen(conn) {
        const stream = new ConnectionDuplex(conn, options);
        try {
          handler(stream);
        } catch (thrown) {
          // Whoever calls the hook closes the connection, with this error.
          stream.#isGone = true;
          stream.destroy();
          throw thrown;
        }
        return stream;
      },
      onData: ({ state: stream }, chunk) => stream.#take(chunk),
      onDrain: ({ state: stream }) => stream.#writer.drained(),
      onFinish: ({ state: stream }) => stream.#sideEnded(),
      onEnd: ({ state: stream }) => stream.#peerEnded(),
      onTimeout: ({ state: stream }, which) => which === 'protocol' && stream.#timedOut(),
      onShutdown({ state: stream }) {
        if (!stream.emit('shutdown')) stream.destroySoon();
      },
      onClose: ({ state: stream }, reason, cause) => stream.#closed(reason, cause),
    };
  }

  // ---- What Node asks of a stream ----------------------------------------------------------------------------------

  /** @internal */
  override _read(): void {
    if (!this.#isPaused) return;
    this.#isPaused = false;
    this.connection.resume();
  }

  /** @internal */
  override _write(chunk: Buffer, _encoding: BufferEncoding, callback: (error?: Error | null) => void): void {
    this.#isActive();
    let isAtOnce = true;
    this.#writer.write(chunk, (error) => {
      this.#bytesTaken += chunk.length;
      // Those that were told at once, a tick ago as far as Node's streams go, are told first.
      if (isAtOnce) callback(error);
      else process.nextTick(callback, error);
    });
    isAtOnce = false;
  }

  /** @internal */
  override _final(callback: (error?: Error | null) => void): void {
    if (this.#isGone) return callback(gone());
    this.#final = callback;
    this.connection.end();
  }

  /** @internal */
  override _destroy(error: Error | null, callback: (error: Error | null) => void): void {
    this.#leave(error);
    this.#writer.fail(error ?? gone());
    callback(error);
  }

  // ---- What npm packages ask of a socket ---------------------------------------------------------------------------

  /** True over TLS, as of `tls.TLSSocket`; undefined otherwise. */
  get encrypted(): true | undefined {
    return this.connection.transport.secure ? true : undefined;
  }

  /** What ALPN settled, as `tls.TLSSocket` has it: false where that is nothing. Undefined without TLS: `http2` takes false for HTTP/1. */
  get alpnProtocol(): string | false | undefined {
    const { secure, applicationProtocol } = this.connection.transport;
    return secure ? (applicationProtocol ?? false) : undefined;
  }

  get bytesWritten(): number {
    return this.#bytesTaken + this.writableLength;
  }

  get readyState(): 'open' | 'readOnly' | 'writeOnly' | 'closed' {
    if (this.readable) return this.writable ? 'open' : 'readOnly';
    return this.writable ? 'writeOnly' : 'closed';
  }

  /** Undefined for Unix sockets. Remembered from when it was first asked for. */
  get remoteAddress(): string | undefined {
    return inet(this.#remoteEnd)?.address;
  }

  get remotePort(): number | undefined {
    return inet(this.#remoteEnd)?.port;
  }

  get remoteFamily(): string | undefined {
    return inet(this.#remoteEnd)?.family;
  }

  get localAddress(): string | undefined {
    return inet(this.#localEnd)?.address;
  }

  get localPort(): number | undefined {
    return inet(this.#localEnd)?.port;
  }

  get localFamily(): string | undefined {
    return inet(this.#localEnd)?.family;
  }

  /** The local end, as `net.Socket.address()` has it. */
  address(): DuplexAddress {
    const end = inet(this.#localEnd);
    return end === undefined ? {} : { address: end.address, family: end.family, port: end.port };
  }

  /** TCP_NODELAY, which the reactor turns on where it was not told otherwise. Without effect on a Unix socket, as in `net`. */
  setNoDelay(noDelay = true): this {
    machineOf(this.connection)?.setSocketOption('noDelay', noDelay ? 1 : 0);
    return this;
  }

  /** SO_KEEPALIVE, and with `initialDelay` (milliseconds, whole seconds count) when the kernel asks first. */
  setKeepAlive(enable = false, initialDelay = 0): this {
    const machine = machineOf(this.connection);
    const seconds = Math.trunc(initialDelay / 1000);
    if (enable && seconds > 0) machine?.setSocketOption('keepAliveIdleSeconds', seconds);
    machine?.setSocketOption('keepAlive', enable ? 1 : 0);
    return this;
  }

  /** Emits 'timeout' when nothing has moved for `timeout` milliseconds, and closes nothing; 0 takes it back. */
  setTimeout(timeout: number, callback?: () => void): this {
    if (this.destroyed) return this;
    this.connection.setDeadline(Math.ceil(timeout));
    this.timeout = timeout;
    this.#queuedAtTimer = this.connection.queuedBytes;
    if (callback === undefined) return this;
    if (timeout === 0) this.off('timeout', callback);
    else this.once('timeout', callback);
    return this;
  }

  /** The process stays for as long as the connection is open, as it does from the start. */
  ref(): this {
    machineOf(this.connection)?.setRef(true);
    return this;
  }

  /** The connection is no reason for the process to stay. */
  unref(): this {
    machineOf(this.connection)?.setRef(false);
    return this;
  }

  /** Ends our side, and destroys the stream when everything has left. The peer may take its time to read it. */
  destroySoon(): void {
    this.#closing = 'in order';
    if (this.writable) this.end();
    if (this.writableFinished) this.destroy();
    else this.once('finish', () => this.destroy());
  }

  /** Destroys the stream, and resets the connection. Over TLS the peer misses our close_notify instead. */
  resetAndDestroy(): this {
    this.#closing = 'by reset';
    return this.destroy();
  }

  // ---- What the connection tells -----------------------------------------------------------------------------------

  #take(chunk: Buffer): void {
    if (this.destroyed) return;
    this.bytesRead += chunk.length;
    this.#isActive();
    if (this.push(Buffer.from(chunk))) return;
    this.#isPaused = true;
    this.connection.pause();
  }

  #peerEnded(): void {
    if (this.destroyed) return;
    this.#hasPeerEnded = true;
    this.#isActive();
    this.push(null);
    // Nobody may ever read: the end is told all the same when nothing is before it.
    this.read(0);
  }

  #sideEnded(): void {
    const final = this.#final;
    this.#final = undefined;
    this.#hasSideEnded = true;
    // As Node's streams do: never before `end()` has returned.
    if (final !== undefined) process.nextTick(final);
  }

  #closed(reason: CloseReason, cause: Error | undefined): void {
    this.#isGone = true;
    // What has come in order is there to be read, and the stream goes when it was.
    if (reason === 'clean' && this.#hasPeerEnded && this.#hasSideEnded) return;
    this.destroy(cause);
  }

  /** Answers that the connection goes on. */
  #timedOut(): true {
    const { queuedBytes } = this.connection;
    const isMoving = queuedBytes < this.#queuedAtTimer;
    this.#queuedAtTimer = queuedBytes;
    // A long write that is on its way is no silence.
    if (isMoving) this.#isActive();
    else this.emit('timeout');
    return true;
  }

  #isActive(): void {
    if (this.timeout === 0) return;
    this.connection.setDeadline(Math.ceil(this.timeout));
    this.#queuedAtTimer = this.connection.queuedBytes;
  }

  #leave(error: Error | null): void {
    if (this.#isGone) return;
    const { connection } = this;
    if (this.#closing === 'by reset') return connection.destroy(new Error('The stream was reset.'));
    if (error === null) {
      // Bytes that were told to be taken are queued, or the peer is to get the last ones before it is told of a reset.
      if (this.#closing === 'in order' || connection.queuedBytes > 0) connection.close();
      else connection.destroy();
      return;
    }
    // What was written just now leaves in a microtask, as far as it goes: as if it had been written at once. A server that refuses
    // a request writes why and destroys with an error (Node's own http.Server: 400); its peer is reset behind that.
    if (connection.queuedBytes > 0) queueMicrotask(() => connection.destroy(error));
    else connection.destroy(error);
  }

  get #remoteEnd(): Connection['remoteAddress'] {
    this.#remote ??= this.connection.remoteAddress;
    return this.#remote;
  }

  get #localEnd(): Connection['localAddress'] {
    this.#local ??= this.connection.localAddress;
    return this.#local;
  }
}

function gone(): ClosedError {
  return new ClosedError('The stream was destroyed.');
}

function inet(end: Connection['remoteAddress']): Connection['remoteAddress'] {
  return end?.family === 'unix' ? undefined : end;
}
