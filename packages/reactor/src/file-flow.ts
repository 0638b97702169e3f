/**
 * The files of one connection's write queue on their way into the transport, under the budget of a turn.
 *
 * Rule: the budget is of the turn, however often a flush comes in it and however many files it is spent on (P43).
 */
import { PIECE_BYTES } from './file-buffers.ts';
import type { FileError } from './file-errors.ts';
import type { Loop } from './loop.ts';
import type { QueuedFile } from './queued-file.ts';
import type { SharedFile } from './shared-file.ts';
import { type Progress, Status, type Transport } from './transport.ts';
import type { WriteQueue } from './write-queue.ts';

/** Some bytes of an open file, which are there: one at least. */
export interface OpenPart {
  readonly file: SharedFile;
  readonly offset: number;
  readonly count: number;
}

export class FileFlow {
  /** The file at the front cannot be sent: the connection has to close with this. */
  failure: FileError | undefined;
  private readonly loop: Loop;
  private readonly queue: WriteQueue;
  private budgetTurn = -1;
  private budgetBytes = 0;
  private spent = false;

  constructor(loop: Loop, queue: WriteQueue) {
    this.loop = loop;
    this.queue = queue;
  }

  /** Whether the budget was used up and something is left, so that a flush is due without an edge. Asked once. */
  takeSpent(): boolean {
    const { spent } = this;
    this.spent = false;
    return spent;
  }

  /**
   * Sends the files at the front, telling `onSent` of all that leaves. 0: none is there any more · a want or `failed` of the
   * transport · `suspended`: the disk is waited for · `ended`: the budget is used up, or there is a {@link failure}.
   */
  send(transport: Transport, onSent: (bytes: number) => void): Progress {
    this.renewBudget();
    for (let file = this.queue.frontFile(); file !== undefined; file = this.queue.frontFile()) {
      if (file.isDone) {
        this.finish(file);
        continue;
      }
      this.spent = this.budgetBytes <= 0;
      if (this.spent) return Status.ended;
      const progress = file.step(transport, this.budgetBytes);
      this.failure = file.error;
      if (progress <= 0) return progress;
      this.sent(progress);
      onSent(progress);
    }
    return 0;
  }

  /**
   * Sends `bytes[0, length)` and `file` behind them, ahead of everything, as {@link QueuedFile.stepWith}: how many of both have left.
   */
  sendWith(bytes: Uint8Array, length: number, file: QueuedFile, transport: Transport): Progress | undefined {
    this.renewBudget();
    if (this.budgetBytes <= 0) return undefined;
    const progress = file.stepWith(bytes, length, transport, this.budgetBytes);
    if (progress !== undefined && progress > length) this.sent(progress - length);
    return progress;
  }

  /**
   * As {@link sendWith}, of `[offset, offset + count)` of an open file of which nothing is queued. Undefined when not all of it may
   * leave in this turn, or would have to be waited for.
   */
  sendOpenWith(
    bytes: Uint8Array,
    length: number,
    { file, offset, count }: OpenPart,
    transport: Transport,
  ): Progress | undefined {
    this.renewBudget();
    if (transport.writeWithFile === undefined || count > Math.min(this.budgetBytes, PIECE_BYTES))
      return undefined;
    const { residentFiles, nowMs } = this.loop;
    if (residentFiles.partOf(file).bytesFrom(offset, nowMs) < count) return undefined;
    const progress = transport.writeWithFile(bytes, length, file.hold(), offset, count);
    file.drop();
    if (progress === undefined || progress <= length) return progress;
    this.sent(progress - length);
    if (progress === length + count) this.loop.counters.filesSent += 1;
    return progress;
  }

  /** Takes in what is to be sent when its turn comes; of what has left ahead of nobody, that it has. */
  add(file: QueuedFile): void {
    if (this.queue.isEmpty && file.isDone) this.settle(file);
    else this.queue.appendFile(file);
  }

  private finish(file: QueuedFile): void {
    this.queue.shiftFile();
    this.settle(file);
    this.queue.firstFile()?.begin();
  }

  private settle(file: QueuedFile): void {
    file.finish();
    this.loop.counters.filesSent += 1;
  }

  private renewBudget(): void {
    const { counters, limits } = this.loop;
    if (this.budgetTurn === counters.turns) return;
    this.budgetTurn = counters.turns;
    this.budgetBytes = limits.fileBudgetBytes;
  }

  private sent(bytes: number): void {
    this.budgetBytes -= bytes;
    this.loop.counters.fileBytesSent += bytes;
  }
}
