/**
 * The writing side of one connection: its half, its queue, and the way of bytes and files into the transport.
 *
 * Rule: bytes leave in the order in which they were accepted: staged ones before what is written after them, the queue
 * before anything staged. So the outbox is used only while the queue is empty and nothing is awaited. An upgrade draws a
 * line: what was accepted before it leaves by the transport of that time, what comes after waits for the new one.
 * What may leave in one call with what others have staged is the business of `write-side-batched.ts`.
 */
import type { FileError } from './file-errors.ts';
import { FileFlow, type OpenPart } from './file-flow.ts';
import type { FileRange, FileSource } from './file-source.ts';
import type { Loop } from './loop.ts';
import { NEVER } from './open-deadlines.ts';
import { DIRECT_WRITE_BYTES } from './outbox.ts';
import { QueuedFile } from './queued-file.ts';
import { type Progress, Status, type Transport, type TransportFailure } from './transport.ts';
import {
  acceptsBytes,
  awaitsFile,
  awaitsReadable,
  awaitsWritable,
  mayFlush,
  stepWriteHalf,
  type WriteHalf,
} from './write-half.ts';
import { WriteQueue } from './write-queue.ts';

/** Whose memory bytes are in: to be copied before the call returns, ours alone, or promised not to change. */
type Memory = 'borrowed' | 'owned' | 'shared';

export class WriteSide {
  half: WriteHalf = 'ready';
  /** Bytes that have left. */
  bytes = 0;
  /** When some last did, in the loop's milliseconds. */
  lastBytesMs = NEVER;
  /** When what is blocked now blocked; NEVER while nothing is. */
  blockedMs = NEVER;
  /** Our side has ended with all that was written, and nobody was told yet. */
  private isFinishDue = false;
  /** A `write` answered false, or a file was queued; the low-water mark has still to be told. */
  needsDrain = false;
  protected readonly loop: Loop;
  protected transport: Transport;
  protected readonly queue: WriteQueue;
  /** From `upgrade` to `upgraded`: what is accepted waits, for the handshake alone may send. */
  private held = false;
  /** Made for the first file: most connections send none. */
  private files: FileFlow | undefined;
  private onFileAnswer: (() => void) | undefined;
  /** The transport before the upgrade, until the `bytes` at the front of the queue that are its own have left. */
  private before: { readonly transport: Transport; bytes: number } | undefined;

  constructor(loop: Loop, transport: Transport) {
    this.loop = loop;
    this.transport = transport;
    this.queue = new WriteQueue(loop.counters);
  }

  /** Bytes that wait here; what is staged in the outbox for this connection not counted. */
  get queuedBytes(): number {
    return this.queue.bytes;
  }

  /** What files in the queue have still to send, as far as their lengths are known. */
  get queuedFileBytes(): number {
    return this.queue.files().reduce((bytes, file) => bytes + file.leftBytes, 0);
  }

  /** Why the file at the front cannot be sent: the connection has to close with this. */
  get fileFailure(): FileError | undefined {
    return this.files?.failure;
  }

  get hasFiles(): boolean {
    return this.queue.fileCount > 0;
  }

  /** Whether bytes may leave at once, ahead of nobody. */
  protected get isClear(): boolean {
    return this.half === 'ready' && !this.held && this.queue.isEmpty;
  }

  /** Whether a flush would have anything to do. */
  private get hasWork(): boolean {
    return mayFlush(this.half) && !this.held && (this.half === 'ending' || !this.queue.isEmpty);
  }

  /** The socket is readable, writable, or both: whichever was awaited has come. */
  edges(readable: boolean, writable: boolean): void {
    if (writable && awaitsWritable(this.half)) this.half = stepWriteHalf(this.half, 'writable');
    else if (readable && awaitsReadable(this.half)) this.half = stepWriteHalf(this.half, 'readable');
  }

  /**
   * Accepts bytes. With `staging` they may go to the outbox or straight to the transport; otherwise they are queued.
   * False when the transport failed.
   */
  accept(data: string | Uint8Array, encoding: 'utf8' | 'latin1', staging: boolean): boolean {
    const flowing = staging && this.isClear;
    if (typeof data === 'string') {
      if (flowing && this.loop.outbox.addString(data, encoding)) return true;
      // A large string's bytes are ours alone and need no second copy; small ones are better off together.
      const bytes = Buffer.from(data, encoding);
      return this.acceptBytes(bytes, flowing, bytes.length >= DIRECT_WRITE_BYTES ? 'owned' : 'borrowed');
    }
    return this.acceptBytes(data, flowing, 'borrowed');
  }

  /** As {@link accept}; what cannot leave now is kept by reference. */
  acceptShared(data: Uint8Array, staging: boolean): boolean {
    return this.acceptBytes(data, staging && this.isClear, 'shared');
  }

  /** A file to be queued by {@link queueFile}. `listing` makes ready when the disk has been waited for. */
  makeFile(source: FileSource, range: FileRange, listing: { ready(): void }): QueuedFile {
    this.onFileAnswer ??= () => {
      if (!awaitsFile(this.half)) return;
      this.half = stepWriteHalf(this.half, 'file');
      listing.ready();
    };
    const file = new QueuedFile(this.loop, source, range, this.onFileAnswer);
    if (!this.hasFiles) file.begin();
    return file;
  }

  /** Queues a file behind everything; nothing may be staged. */
  queueFile(file: QueuedFile): void {
    this.needsDrain = true;
    this.fileFlow.add(file);
  }

  /**
   * Sends what is staged and an open file behind it, if something is, and all of both can be tried in one call: `whole` when that
   * succeeded, which is the usual end of it. Otherwise what the transport has answered, for {@link queueBehindStaged}; undefined
   * when nothing was done.
   */
  sendBehindStaged(part: OpenPart): 'whole' | Progress | undefined {
    const { outbox } = this.loop;
    const { length } = outbox;
    if (length === 0 || !this.isClear) return undefined;
    const together = this.fileFlow.sendOpenWith(outbox.stagedBytes, length, part, this.transport);
    if (together !== length + part.count) return together;
    outbox.drop();
    this.left(together);
    return 'whole';
  }

  /**
   * Sends what is staged, together with the first of `file` where that can be, and queues the file. `tried`: that was done already,
   * with this answer. False when the transport failed; then the file is queued only where it was the file that was being sent.
   */
  queueBehindStaged(file: QueuedFile, tried?: Progress): boolean {
    const { outbox } = this.loop;
    const { length } = outbox;
    const bytes = outbox.stagedBytes;
    let together = tried;
    if (together !== undefined) file.hasLeft(Math.max(together - length, 0));
    else if (length > 0 && this.isClear)
      together = this.fileFlow.sendWith(bytes, length, file, this.transport);
    if (together === undefined) {
      if (!this.flushStaged(file.isShort)) return false;
    } else {
      outbox.drop();
      if (together > 0 || this.awaitEdge(together)) this.leftTogether(bytes, Math.max(together, 0), length);
      else if (this.transport.failure().isFile === undefined) return false;
      // sendfile(2) failed, behind all that was staged; whether the file's fault is the connection's end is seen when it is sent.
      else this.left(length);
    }
    this.queueFile(file);
    return together !== Status.failed || this.transport.failure().isFile === true;
  }

  /** `end()`: nothing is accepted any more; a flush sends the rest and ends our side. */
  end(): void {
    if (acceptsBytes(this.half)) this.half = stepWriteHalf(this.half, 'end');
  }

  /** Drops what is queued; nothing can leave any more, because of `cause` if that is an error. */
  abort(cause: Error | undefined): void {
    if (this.half !== 'ended') this.half = stepWriteHalf(this.half, 'abort');
    for (const file of this.queue.files()) file.abandon(cause);
    this.queue.clear();
    this.closeBefore();
  }

  // ---- An upgrade ------------------------------------------------------------------------------------------------

  /** What is queued leaves by the transport so far, which has been released; what is accepted from now on by `next`. */
  upgrade(next: Transport): void {
    this.before = { transport: this.transport, bytes: this.queue.bytes };
    this.transport = next;
    this.held = true;
  }

  /** Sends what the transport before an upgrade has still to send: the new one may begin when it `left`. */
  finishBefore(): 'left' | 'waits' | 'failed' {
    if (!mayFlush(this.half)) return 'waits';
    const { before } = this;
    for (let front = this.queue.front(); before && before.bytes > 0 && front; front = this.queue.front()) {
      const length = Math.min(front.end - front.start, before.bytes);
      const progress = before.transport.write(front.bytes, front.start, length);
      if (progress <= 0) return this.awaitEdge(progress) ? 'waits' : 'failed';
      before.bytes -= progress;
      this.queue.consume(progress);
      this.left(progress);
    }
    this.closeBefore();
    return 'left';
  }

  /** The new transport is ready for what has been accepted meanwhile. */
  upgraded(): void {
    this.held = false;
    this.blockedMs = NEVER;
  }

  /** Why the last call of a transport failed. */
  failure(): TransportFailure {
    return (this.before?.transport ?? this.transport).failure();
  }

  private closeBefore(): void {
    this.before?.transport.close();
    this.before = undefined;
  }

  // ---- Sending ---------------------------------------------------------------------------------------------------

  /** Notes what the transport waits for. False when it is neither edge: the transport failed. */
  awaitEdge(progress: Progress): boolean {
    if (progress === Status.wantsWrite) this.half = stepWriteHalf(this.half, 'block');
    else if (progress === Status.wantsRead) this.half = stepWriteHalf(this.half, 'want-read');
    else return false;
    if (this.blockedMs === NEVER) this.blockedMs = this.loop.nowMs;
    return true;
  }

  /**
   * The handshake waits for something other than the socket. No edge is lost by that: what comes meanwhile is found by
   * the step that `goOn` is to bring about. It is not called when the connection is over by then.
   */
  suspend(goOn: () => void): void {
    this.half = stepWriteHalf(this.half, 'suspend');
    this.transport.whenResumable?.(() => {
      if (this.half !== 'suspended') return;
      this.half = stepWriteHalf(this.half, 'go-on');
      goOn();
    });
  }

  /** Sends what is staged and what is queued, as far as it goes now. False when the transport failed. */
  sendAll(): boolean {
    return this.flushStaged() && (!this.hasWork || this.flush());
  }

  /**
   * Sends what is staged: the outbox is empty afterwards, its rest queued. False when the transport failed. `more`: a
   * short file that can be sent at once follows.
   */
  flushStaged(more = false): boolean {
    const { outbox } = this.loop;
    const { start, length } = outbox;
    if (length === 0) return true;
    outbox.drop();
    return this.send(outbox.bytes, start, start + length, 'borrowed', more);
  }

  /** Sends what is queued, then ends our side if that was asked for. False when the transport failed. */
  flush(): boolean {
    while (mayFlush(this.half)) {
      const front = this.queue.front();
      if (front === undefined) {
        if (this.queue.isEmpty || this.files === undefined) break;
        const progress = this.files.send(this.transport, (bytes) => this.left(bytes));
        if (progress === Status.ended) break;
        if (progress === Status.suspended) this.awaitDisk();
        else if (progress !== 0 && !this.awaitEdge(progress)) return false;
        continue;
      }
      const more = this.queue.isShortFileNext;
      const progress = this.transport.write(front.bytes, front.start, front.end - front.start, more);
      if (progress > 0) {
        this.queue.consume(progress);
        this.left(progress);
      } else if (!this.awaitEdge(progress)) return false;
    }
    if (this.half === 'ready') this.blockedMs = NEVER;
    if (this.half !== 'ending' || !this.queue.isEmpty) return true;
    const progress = this.transport.shutdownWrite();
    if (progress !== 0) return this.awaitEdge(progress);
    this.half = stepWriteHalf(this.half, 'finish');
    this.blockedMs = NEVER;
    this.isFinishDue = true;
    return true;
  }

  /** Whether our side has ended and that is to be told. Asked once. */
  takeFinish(): boolean {
    const isDue = this.isFinishDue;
    this.isFinishDue = false;
    return isDue;
  }

  /** Whether files used up their budget, so that a flush is due without an edge. Asked once. */
  takeSpent(): boolean {
    return this.files?.takeSpent() ?? false;
  }

  /** The file at the front waits for our own disk: no fault of the peer. */
  private awaitDisk(): void {
    this.half = stepWriteHalf(this.half, 'want-file');
    this.blockedMs = NEVER;
  }

  /** The transport has taken `count` bytes. */
  protected left(count: number): void {
    this.bytes += count;
    this.loop.counters.bytesSent += count;
    this.lastBytesMs = this.loop.nowMs;
  }

  /** Of `bytes[0, length)`, and of a file behind them, the first `count` have left: keeps what is staged of the rest. */
  private leftTogether(bytes: Uint8Array, count: number, length: number): void {
    if (count > 0) this.left(count);
    if (count < length) this.keep(bytes, count, length, 'borrowed');
  }

  private get fileFlow(): FileFlow {
    this.files ??= new FileFlow(this.loop, this.queue);
    return this.files;
  }

  private acceptBytes(data: Uint8Array, flowing: boolean, memory: Memory): boolean {
    if (!flowing) {
      this.keep(data, 0, data.length, memory);
      return true;
    }
    if (this.loop.outbox.addBytes(data)) return true;
    if (!this.flushStaged()) return false;
    return this.send(data, 0, data.length, memory);
  }

  /** Offers `bytes[from, end)` to the transport and queues what it does not take. */
  private send(bytes: Uint8Array, from: number, end: number, memory: Memory, more = false): boolean {
    let start = from;
    while (start < end && mayFlush(this.half) && this.queue.isEmpty) {
      const progress = this.transport.write(bytes, start, end - start, more);
      if (progress > 0) {
        start += progress;
        this.left(progress);
      } else if (!this.awaitEdge(progress)) return false;
    }
    this.keep(bytes, start, end, memory);
    return true;
  }

  private keep(bytes: Uint8Array, start: number, end: number, memory: Memory): void {
    if (memory === 'shared') this.queue.appendShared(bytes, start, end);
    else if (memory === 'owned') this.queue.appendOwned(bytes, start, end);
    else this.queue.appendCopy(bytes, start, end);
  }
}
