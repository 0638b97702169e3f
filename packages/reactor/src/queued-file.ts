/**
 * A file in a write queue: opened when its turn comes near, sent piece by piece, settled once.
 *
 * Rule: the loop never waits for the disk. Where the transport sends files itself it is asked to when the piece is in the
 * page cache, and a thread reads it first where it is not; otherwise a thread reads each chunk, which then is a front like
 * any other: offered again with the same bytes after a want.
 */
import type { FileFacts } from './disk.ts';
import { LOAD_BYTES, PIECE_BYTES, SHORT_BYTES } from './file-buffers.ts';
import {
  type FileError,
  openError,
  rangeError,
  readError,
  shrankError,
  typeError,
  unsentError,
} from './file-errors.ts';
import type { FileRange, FileSource } from './file-source.ts';
import type { Loop } from './loop.ts';
import { OpenFile } from './open-file.ts';
import { ResidentPart } from './resident-files.ts';
import { type Progress, Status, type Transport } from './transport.ts';

/**
 * - `queued`: another file is ahead of it. `opening`, `reading`: a thread is at work.
 * - `ready`: a step can be taken. `failed`: none can. `settled`: all of it has left, or the connection is over.
 */
type Stage = 'queued' | 'opening' | 'ready' | 'reading' | 'failed' | 'settled';

/** Nobody has to listen. */
function quietRejection(error: FileError): Promise<never> {
  const promise = Promise.reject<never>(error);
  promise.catch(() => {});
  return promise;
}

export class QueuedFile {
  /** Why it cannot be sent, once a step has answered `ended`. */
  error: FileError | undefined;
  /** What has still to leave; 0 while it is not known. */
  leftBytes: number;
  private readonly loop: Loop;
  private readonly source: FileSource;
  private readonly range: FileRange;
  private readonly file: OpenFile;
  private readonly onAnswer: () => void;
  private stage: Stage = 'queued';
  private sentBytes = 0;
  /** What of it is in the page cache. */
  private readonly resident: ResidentPart;
  /** The transport cannot send this one. */
  private refused = false;
  /** Bytes of the file that wait for the transport: `bytes[start, end)`. */
  private chunk: { readonly bytes: Buffer; start: number; readonly end: number } | undefined;
  /** Made when somebody asks, which usually is when all has left: it needs no functions to settle it then. */
  private promise: Promise<number> | undefined;
  private resolve: ((sentBytes: number) => void) | undefined;
  private reject: ((error: FileError) => void) | undefined;
  /** What {@link abandon} has made of it. */
  private rejection: FileError | undefined;

  /** `onAnswer`: a thread has come back, and a step can be taken. */
  constructor(loop: Loop, source: FileSource, range: FileRange, onAnswer: () => void) {
    this.loop = loop;
    this.source = source;
    this.range = range;
    this.onAnswer = onAnswer;
    this.leftBytes = range.length ?? 0;
    this.file = new OpenFile(loop.disk, source);
    const { shared } = source;
    this.resident = shared === undefined ? new ResidentPart() : loop.residentFiles.partOf(shared);
  }

  /** How many bytes have left, when all have. Rejections are told by `onClose` too: nobody has to listen. */
  get sent(): Promise<number> {
    this.promise ??= this.makePromise();
    return this.promise;
  }

  private makePromise(): Promise<number> {
    if (this.stage === 'settled' && this.rejection === undefined) return Promise.resolve(this.sentBytes);
    if (this.rejection !== undefined) return quietRejection(this.rejection);
    return new Promise((resolve, reject) => {
      this.resolve = resolve;
      this.reject = reject;
    });
  }

  /** Whether the last byte has left. */
  get isDone(): boolean {
    return this.stage === 'ready' && this.leftBytes === 0;
  }

  /** Whether all of it can leave now, and is so little that it should share a segment with what is ahead of it. */
  get isShort(): boolean {
    return this.stage === 'ready' && this.leftBytes > 0 && this.leftBytes <= SHORT_BYTES;
  }

  /** No other file is ahead of it any more: opens it. */
  begin(): void {
    const { failure, shared } = this.source;
    if (failure !== undefined) return this.fail(failure);
    if (shared !== undefined)
      return this.begun(this.problemOf({ isRegular: true, sizeBytes: shared.sizeBytes }));
    this.stage = 'opening';
    this.file.open((error, facts) => {
      this.begun(error ? openError(this.source.name, error) : this.problemOf(facts));
      this.onAnswer();
    });
  }

  private begun(problem: FileError | undefined): void {
    if (problem === undefined) this.stage = 'ready';
    else this.fail(problem);
  }

  /**
   * Sends `most` bytes or fewer (a chunk may be more): a count, a want or `failed` of the transport, `suspended` while a
   * thread is at work (`onAnswer` follows), or `ended` when the file cannot be sent.
   */
  step(transport: Transport, most: number): Progress {
    if (this.stage === 'failed') return Status.ended;
    if (this.stage !== 'ready') return Status.suspended;
    return transport.sendFile === undefined || this.refused
      ? this.sendChunk(transport)
      : this.sendPiece(transport, most);
  }

  /**
   * Its first step, together with `bytes[0, length)`, which are ahead of it, as {@link Transport.writeWithFile}; undefined when
   * nothing was done, for they have to be sent one after the other.
   */
  stepWith(bytes: Uint8Array, length: number, transport: Transport, most: number): Progress | undefined {
    if (this.stage !== 'ready' || this.leftBytes === 0 || this.refused) return undefined;
    const wanted = Math.min(this.leftBytes, most, PIECE_BYTES);
    const count = this.residentBytes(wanted);
    if (count === 0) return undefined;
    const progress = transport.writeWithFile?.(bytes, length, this.file.fd, this.offset, count);
    if (progress !== undefined && progress > length) this.hasLeft(progress - length);
    return progress;
  }

  /** The transport has taken its next `count` bytes: in a step, or before it was made. */
  hasLeft(count: number): void {
    this.sentBytes += count;
    this.leftBytes -= count;
  }

  /** All of it has left. */
  finish(): void {
    this.settle();
    this.resolve?.(this.sentBytes);
  }

  /** The connection is over, because of `cause` if that is an error. */
  abandon(cause: Error | undefined): void {
    if (this.stage === 'settled') return;
    const { error, sentBytes } = this;
    this.settle();
    this.rejection = error ?? unsentError(this.source.name, sentBytes, cause);
    this.promise?.catch(() => {});
    this.reject?.(this.rejection);
  }

  // ---- Pieces, by a transport that sends files -------------------------------------------------------------------

  private sendPiece(transport: Transport, most: number): Progress {
    const { offset } = this;
    const wanted = Math.min(this.leftBytes, most, PIECE_BYTES);
    const length = this.residentBytes(wanted);
    if (length === 0) return this.load(Math.min(wanted, LOAD_BYTES));
    const progress = transport.sendFile?.(this.file.fd, offset, length) ?? Status.failed;
    if (progress > 0) this.hasLeft(progress);
    else if (progress === 0) return this.shrank();
    else if (progress === Status.failed && transport.failure().isFile === true) {
      // Whether it can be read says what is wrong with it, if anything.
      this.refused = true;
      return this.sendChunk(transport);
    }
    return progress;
  }

  /** Has a thread read `length` bytes, so that they are in the page cache. */
  private load(length: number): Progress {
    this.stage = 'reading';
    const { loop, offset } = this;
    loop.fileBuffers.takeScratch((scratch) => {
      if (this.stage !== 'reading') return false;
      const giveBack = () => loop.fileBuffers.giveScratch(scratch);
      this.file.read(scratch, length, offset, giveBack, (error, count) => {
        this.answered(error, count);
        this.resident.found(offset, offset + count, loop.nowMs);
        this.onAnswer();
      });
      return true;
    });
    return Status.suspended;
  }

  // ---- Chunks, by a transport that takes bytes -------------------------------------------------------------------

  private sendChunk(transport: Transport): Progress {
    const { chunk } = this;
    if (chunk === undefined) return this.fetch(transport);
    // All that is left of it, whatever the budget: a transport must not be offered fewer bytes than it has refused.
    const progress = transport.write(chunk.bytes, chunk.start, chunk.end - chunk.start);
    if (progress <= 0) return progress;
    chunk.start += progress;
    this.hasLeft(progress);
    if (chunk.start === chunk.end) this.dropChunk();
    return progress;
  }

  /** Gets the next chunk: at once out of the page cache, and is sent, or by a thread. */
  private fetch(transport: Transport): Progress {
    const { fileBuffers, disk } = this.loop;
    const bytes = fileBuffers.takeChunk(this.leftBytes);
    const wanted = Math.min(this.leftBytes, bytes.length);
    const there =
      this.residentBytes(Math.min(this.leftBytes, PIECE_BYTES)) > 0
        ? disk.readCached(this.file.fd, bytes, wanted, this.offset)
        : 0;
    if (there > 0) {
      this.chunk = { bytes, start: 0, end: there };
      return this.sendChunk(transport);
    }
    this.stage = 'reading';
    const settled = () => {
      if (this.stage === 'settled') fileBuffers.giveChunk(bytes);
    };
    this.file.read(bytes, wanted, this.offset, settled, (error, count) => {
      this.chunk = { bytes, start: 0, end: count };
      this.answered(error, count);
      this.onAnswer();
    });
    return Status.suspended;
  }

  private dropChunk(): void {
    if (this.chunk !== undefined) this.loop.fileBuffers.giveChunk(this.chunk.bytes);
    this.chunk = undefined;
  }

  // ---- Inside ----------------------------------------------------------------------------------------------------

  /** How many of the next `most` bytes are in the page cache; 0 when not all of what was asked about is. */
  private residentBytes(most: number): number {
    const { offset, resident } = this;
    const { disk, nowMs } = this.loop;
    const known = resident.bytesFrom(offset, nowMs);
    if (known > 0) return Math.min(known, most);
    if (!disk.isFileCached(this.file.fd, offset, most)) return 0;
    resident.found(offset, offset + most, nowMs);
    return most;
  }

  /** Where in the file the next byte is. */
  private get offset(): number {
    return this.range.offset + this.sentBytes;
  }

  private problemOf(facts: FileFacts | undefined): FileError | undefined {
    const { name } = this.source;
    const { offset, length } = this.range;
    if (facts?.isRegular !== true) return typeError(name);
    const most = facts.sizeBytes - offset;
    if (most < 0 || (length ?? 0) > most) return rangeError(name, offset, length, facts.sizeBytes);
    this.leftBytes = length ?? most;
    return undefined;
  }

  /** A thread has read. */
  private answered(error: Error | undefined, count: number): void {
    if (error !== undefined) this.fail(readError(this.source.name, this.sentBytes, error));
    else if (count === 0) this.shrank();
    else this.stage = 'ready';
  }

  private shrank(): Progress {
    const { name } = this.source;
    this.fail(shrankError(name, this.sentBytes, this.sentBytes + this.leftBytes));
    return Status.ended;
  }

  private fail(error: FileError): void {
    this.error = error;
    this.stage = 'failed';
  }

  private settle(): void {
    this.stage = 'settled';
    this.leftBytes = 0;
    this.dropChunk();
    this.file.release();
  }
}
