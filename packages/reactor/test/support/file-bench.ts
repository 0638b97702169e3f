/** A connection with files in its queue, on a disk and a transport that do what a test says. */
import type { Connection, FileError } from '../../src/index.ts';
import { type FakeTransport, Harness } from '../../src/testing/index.ts';
import { Recorder } from '../recorder.ts';

export const BUDGET_BYTES = 1000;

export class FileBench {
  readonly harness = new Harness({
    limits: { highWaterMarkBytes: 100, lowWaterMarkBytes: 10, fileBudgetBytes: BUDGET_BYTES },
  });
  readonly recorder = new Recorder();
  readonly disk = this.harness.disk;

  /** With a file `ten` of ten digits. */
  static async open(): Promise<FileBench> {
    const bench = new FileBench();
    await bench.harness.listen(bench.recorder);
    bench.disk.add('ten', '0123456789');
    return bench;
  }

  /** The newest connection. */
  get conn(): Connection<unknown> {
    return this.recorder.conn;
  }

  /** A connection whose transport sends files, also together with what is ahead of them, or takes bytes. */
  accept(how: 'sends files' | 'sends both' | 'takes bytes'): { fd: number; transport: FakeTransport } {
    return this.harness.accept((transport) => {
      const contentOf = (file: number) => this.disk.contentOf(file);
      if (how === 'sends files') transport.sendFiles(contentOf);
      if (how === 'sends both') transport.sendFilesTogether(contentOf);
    });
  }

  /** Lets everything happen that waits for nobody but us and the disk. */
  async settle(): Promise<void> {
    do {
      await this.microtasks();
      this.harness.poller.settle();
    } while (this.disk.answer());
    await this.microtasks();
  }

  async microtasks(): Promise<void> {
    for (let round = 0; round < 4; round += 1) await undefined;
  }

  /** How `sent` ends, everything having happened that can. */
  async ending(sent: Promise<number>): Promise<FileError> {
    const error = settled(sent);
    await this.settle();
    return (await error) as FileError;
  }
}

/** The calls that send something. */
export const writesOf = ({ calls }: FakeTransport) =>
  calls.filter((call) => /^(write|sendFile|writeWithFile)/.test(call));

/** The error that a file ended with, or how many bytes it was. */
export const settled = (sent: Promise<number>) =>
  sent.then(
    (bytes) => ({ bytes }),
    (error: FileError) => error,
  );
