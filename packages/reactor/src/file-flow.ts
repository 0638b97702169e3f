/**
 * The files of one connection's write queue on their way into the transport, under the budget of a turn.
 *
 * Rule: the budget is of the turn, however often a flush comes in it and however many files it is spent on (P43).
 */
import type { FileError } from './file-errors.ts';
import type { Loop } from './loop.ts';
import type { QueuedFile } from './queued-file.ts';
import { type Progress, Status, type Transport } from './transport.ts';
import type { WriteQueue } from './write-queue.ts';

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
    const { counters, limits } = this.loop;
    if (this.budgetTurn !== counters.turns) {
      this.budgetTurn = counters.turns;
      this.budgetBytes = limits.fileBudgetBytes;
    }
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
      this.budgetBytes -= progress;
      counters.fileBytesSent += progress;
      onSent(progress);
    }
    return 0;
  }

  private finish(file: QueuedFile): void {
    this.queue.shiftFile();
    file.finish();
    this.loop.counters.filesSent += 1;
    this.queue.firstFile()?.begin();
  }
}
