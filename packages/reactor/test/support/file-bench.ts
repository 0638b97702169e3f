/** A connection with files in its queue, on a disk and a transport that do what a test says. */
import { Ready } from '@sluice/core-native';
import { type Connection, type FileError, type ReactorStats, SharedFile } from '../../src/index.ts';
import { type FakeTransport, Harness } from '../../src/testing/index.ts';
import { Recorder } from '../recorder.ts';

export const BUDGET_BYTES = 1000;

type Sent = Pick<ReactorStats, 'bytesSent' | 'fileBytesSent' | 'filesSent'>;

export class FileBench {
  readonly harness = new Harness({
    limits: { highWaterMarkBytes: 100, lowWaterMarkBytes: 10, fileBudgetBytes: BUDGET_BYTES },
  });
  readonly recorder = new Recorder();
  readonly disk = this.harness.disk;
  private before: Sent = { bytesSent: 0, fileBytesSent: 0, filesSent: 0 };

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

  /** As `openFile` makes one, of a file of the fake disk. */
  shared(path: string, sizeBytes?: number): SharedFile {
    const descriptor = this.disk.openNow(path);
    const facts = {
      isRegular: true,
      sizeBytes: sizeBytes ?? this.disk.contentOf(descriptor).length,
      modifiedMs: 0,
      device: 1,
      inode: descriptor,
    };
    return new SharedFile(path, descriptor, facts, () => this.disk.close(descriptor));
  }

  /** Has the connection of `accepted` do `what` in a dispatch, and answers what that does. */
  dispatch<Answer>(
    { fd, transport }: { fd: number; transport: FakeTransport },
    what: (conn: Connection) => Answer,
  ): Answer {
    const answers: Answer[] = [];
    this.recorder.data = (conn) => {
      answers.push(what(conn));
    };
    transport.reads.push('go');
    this.harness.poller.fire([fd, Ready.readable]);
    return answers[0] as Answer;
  }

  /** One that was sent to somebody else, and so is known to be in the page cache. */
  async known(path: string): Promise<SharedFile> {
    const file = this.shared(path);
    this.dispatch(this.accept('sends both'), (conn) => void conn.sendFile(file));
    await this.settle();
    this.before = this.totals();
    this.recorder.log.length = 0;
    return file;
  }

  /** Bytes and files that have left, but for those of {@link known}. */
  counted(): Sent {
    const { bytesSent, fileBytesSent, filesSent } = this.totals();
    const { before } = this;
    return {
      bytesSent: bytesSent - before.bytesSent,
      fileBytesSent: fileBytesSent - before.fileBytesSent,
      filesSent: filesSent - before.filesSent,
    };
  }

  private totals(): Sent {
    return this.harness.reactor.stats();
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

/** The error that a file ended with, or how many bytes it was; `at-once` where nobody was kept waiting. */
export const settled = async (sent: true | Promise<number>) =>
  sent === true
    ? 'at-once'
    : sent.then(
        (bytes) => ({ bytes }),
        (error: FileError) => error,
      );
