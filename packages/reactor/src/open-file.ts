/**
 * One open file's descriptor, and who uses it.
 *
 * Rule: it is closed exactly once, when it is released and no thread reads from it. A descriptor that is closed under a
 * read gives its number to whatever is opened next, and the read goes there.
 */
import type { Disk, FileFacts } from './disk.ts';
import type { FileSource } from './file-source.ts';

export class OpenFile {
  /** -1 until it is open. */
  fd = -1;
  private readonly disk: Disk;
  private readonly source: FileSource;
  private busy = false;
  private released = false;

  constructor(disk: Disk, source: FileSource) {
    this.disk = disk;
    this.source = source;
    this.fd = source.duplicate ?? -1;
  }

  /** Opens it unless it is, and looks what it is. `done` is not called once it was released. */
  open(done: (error: Error | undefined, facts: FileFacts | undefined) => void): void {
    const { path } = this.source;
    if (path === undefined) return this.look(done);
    this.busy = true;
    this.disk.open(path, (error, fd) => {
      if (error === undefined) this.fd = fd;
      if (!this.isWanted()) return;
      if (error === undefined) this.look(done);
      else done(error, undefined);
    });
  }

  /** As {@link Disk.read}; `after` is called in any case, `done` only while it was not released. */
  read(
    bytes: Uint8Array,
    length: number,
    offset: number,
    after: () => void,
    done: (error: Error | undefined, count: number) => void,
  ): void {
    this.busy = true;
    this.disk.read(this.fd, bytes, length, offset, (error, count) => {
      after();
      if (this.isWanted()) done(error, count);
    });
  }

  /** Closes it, now or when the thread that uses it has come back. Twice is harmless. */
  release(): void {
    if (this.released) return;
    this.released = true;
    if (!this.busy) this.close();
  }

  private look(done: (error: Error | undefined, facts: FileFacts | undefined) => void): void {
    this.busy = true;
    this.disk.facts(this.fd, (error, facts) => {
      if (this.isWanted()) done(error, facts);
    });
  }

  /** A call has come back: whether anybody still wants to know. */
  private isWanted(): boolean {
    this.busy = false;
    if (this.released) this.close();
    return !this.released;
  }

  private close(): void {
    if (this.fd < 0) return;
    if (this.source.shared !== undefined) this.source.shared.drop();
    else if (this.source.duplicate === undefined) this.disk.close(this.fd);
    else this.disk.closeFile(this.fd);
    this.fd = -1;
  }
}
