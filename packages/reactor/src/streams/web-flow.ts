/**
 * A connection as a pair of web streams (WHATWG Streams; the shape of WinterTC's sockets). It is made by `toWebStreams` and
 * `fromWebStreams`.
 *
 * Rule: nothing is read that nobody has asked for, so that whoever reads gets all that came before he gets why no more does.
 */
import {
  type ReadableByteStreamController,
  ReadableStream,
  WritableStream,
  type WritableStreamDefaultController,
} from 'node:stream/web';
import type { Connection } from '../connection-contract.ts';
import { ClosedError, UsageError } from '../errors.ts';
import type { CloseReason, Protocol } from '../protocol.ts';
import { reportThrown } from './connection-machine.ts';
import { PacedWriter } from './paced-writer.ts';
import { Waiter } from './waiter.ts';

/** A connection as a pair of web streams, as a `TransformStream` has them. */
export interface WebStreams {
  /**
   * A byte stream: it closes when the peer has ended its side, and errors with what the connection failed with, behind all
   * that came before. Nothing is read ahead. `getReader({ mode: 'byob' })` reads into memory of one's own. `cancel()` drops what the peer still sends;
   * writing goes on.
   */
  readonly readable: ReadableStream<Uint8Array>;
  /**
   * Takes bytes (`Uint8Array`), which must not change until `write` has resolved: when the connection is ready for more. `close()` ends our side, and
   * resolves when everything has left, FIN included; reading goes on. `abort(reason)` resets the connection: over TLS the peer
   * misses our close_notify.
   */
  readonly writable: WritableStream<Uint8Array>;
  /** Resolves when the connection has closed in order, and rejects with what it failed with. Nobody has to listen to it. */
  readonly closed: Promise<void>;
}

const NOTHING = new Uint8Array(0);

/** Whether bytes may still move: not once it has ended, or nobody wants them. */
type Side = 'open' | 'over';

export class WebFlow implements WebStreams {
  readonly readable: ReadableStream<Uint8Array>;
  readonly writable: WritableStream<Uint8Array>;
  private readonly conn: Connection;
  private readonly writer: PacedWriter;
  private readonly closing = new Waiter<void>();
  private readonly ending = new Waiter<void>();
  private source!: ReadableByteStreamController;
  private sink!: WritableStreamDefaultController;
  /** Settles the pull that is under way. */
  private pulled: Waiter<void> | undefined;
  private reading: Side = 'open';
  private writing: Side = 'open';
  private failure: Error | undefined;

  constructor(conn: Connection) {
    this.conn = conn;
    this.writer = new PacedWriter(conn);
    this.readable = new ReadableStream({
      type: 'bytes',
      start: (controller) => {
        this.source = controller as ReadableByteStreamController;
      },
      pull: () => this.pull(),
      cancel: () => this.cancelled(),
    });
    this.writable = new WritableStream<Uint8Array>({
      start: (controller) => {
        this.sink = controller;
      },
      write: (bytes) => this.write(bytes),
      close: () => this.end(),
      abort: (reason) => this.conn.destroy(toError(reason)),
    });
  }

  get closed(): Promise<void> {
    return this.closing.promise;
  }

  /** The hooks that feed it. `handler` gets the streams of each connection; what it throws, and rejects with, costs that. */
  static protocol(
    handler: (streams: WebStreams, conn: Connection) => void | Promise<void>,
  ): Protocol<WebFlow> {
    return {
      onOpen(conn) {
        const flow = new WebFlow(conn);
        // Until the first read.
        conn.pause();
        const handled = flow.handled(() => handler(flow, conn));
        handled?.catch((thrown: unknown) => {
          if (thrown !== flow.failure) conn.destroy(reportThrown(conn, thrown));
        });
        return flow;
      },
      onData: ({ state: flow }, chunk) => flow.take(chunk),
      onDrain: ({ state: flow }) => flow.writer.drained(),
      onFinish: ({ state: flow }) => flow.ending.done(),
      onEnd: ({ state: flow }) => flow.peerEnded(),
      // Behind what was written; what comes later is refused.
      onShutdown: (conn) => conn.state.writer.write(NOTHING, () => conn.close()),
      onClose: ({ state: flow }, reason, cause) => flow.over(reason, cause),
    };
  }

  /** Of a connection that is over. */
  static ofClosed(conn: Connection): WebStreams {
    const flow = new WebFlow(conn);
    flow.over('clean', undefined);
    return flow;
  }

  // ---- Asked by the streams ----------------------------------------------------------------------------------------

  private pull(): Promise<void> | undefined {
    if (this.failure !== undefined) {
      this.source.error(this.failure);
      return undefined;
    }
    this.pulled = new Waiter();
    this.conn.resume();
    return this.pulled.promise;
  }

  private cancelled(): void {
    this.reading = 'over';
    this.conn.resume();
    this.leaveIfDone();
  }

  private write(bytes: Uint8Array): Promise<void> {
    const written = new Waiter<void>();
    if (bytes instanceof Uint8Array) this.writer.write(bytes, written.done);
    else
      written.reject(
        new UsageError('ERR_OPTION_VALUE', 'Only bytes can be written to a connection: a Uint8Array.'),
      );
    return written.promise;
  }

  private async end(): Promise<void> {
    if (this.failure !== undefined) throw this.failure;
    this.conn.end();
    await this.ending.promise;
    this.writing = 'over';
    this.leaveIfDone();
  }

  /** What a handler that throws leaves behind is over. */
  private handled<T>(handle: () => T): T {
    try {
      return handle();
    } catch (thrown) {
      this.over('error', thrown instanceof Error ? thrown : undefined);
      throw thrown;
    }
  }

  private leaveIfDone(): void {
    if (this.reading === 'over' && this.writing === 'over') this.conn.close();
  }

  // ---- Told by the connection --------------------------------------------------------------------------------------

  private take(chunk: Buffer): void {
    if (this.reading === 'over') return;
    // A reader may leave while its read is under way: then nothing asks for more.
    this.conn.pause();
    const view = this.source.byobRequest?.view as Uint8Array | null | undefined;
    const count = Math.min(view?.byteLength ?? 0, chunk.length);
    if (view && count > 0) {
      new Uint8Array(view.buffer, view.byteOffset, count).set(chunk.subarray(0, count));
      this.source.byobRequest?.respond(count);
    }
    if (count < chunk.length) this.source.enqueue(new Uint8Array(chunk.subarray(count)));
    this.settlePull();
  }

  private peerEnded(): void {
    if (this.reading === 'over') return;
    this.reading = 'over';
    this.source.close();
    // A read into somebody's memory waits for an answer (WHATWG Streams, ReadableByteStreamController).
    this.source.byobRequest?.respond(0);
    this.settlePull();
  }

  private over(reason: CloseReason, cause: Error | undefined): void {
    const failure = cause ?? new ClosedError('The connection was closed on our side.');
    const isClean = reason === 'clean' && cause === undefined;
    this.failure = failure;
    this.writer.fail(failure);
    this.ending.reject(failure);
    if (this.writing === 'open') this.sink.error(failure);
    // Who waits for bytes is told; who has some to read yet is when he has read them.
    if (this.reading === 'open' && this.pulled !== undefined) this.source.error(failure);
    this.settlePull();
    if (isClean) this.closing.resolve();
    else this.closing.reject(failure);
  }

  private settlePull(): void {
    const { pulled } = this;
    this.pulled = undefined;
    pulled?.resolve();
  }
}

function toError(reason: unknown): Error {
  return reason instanceof Error ? reason : new Error(`The stream was aborted: ${String(reason)}`);
}
