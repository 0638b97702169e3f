/** Files without a disk: what they hold is set by a test, and so is when each call is answered. */
import { constants } from 'node:os';
import { type NativeFailure, Status, SystemError } from '@sluice/core-native';
import type { Disk, FileFacts } from '../disk.ts';

type Errno = keyof typeof constants.errno;

/** A file: its bytes, which a test may change at any time. */
export interface FakeFile {
  bytes: Uint8Array;
  readonly isRegular?: boolean;
}

/** A call that waits for its answer. */
interface Asked {
  readonly call: string;
  readonly file: number;
  readonly answer: () => void;
}

/** Files in memory, which answer when a test says so and fail as it likes. */
export class FakeDisk implements Disk {
  /** By path. */
  readonly files = new Map<string, FakeFile>();
  /** What each open descriptor is of, duplicates included. */
  readonly opened = new Map<number, FakeFile>();
  /** What calls fail with, oldest first; when there are none they do what they are for. */
  readonly failures: Record<'open' | 'facts' | 'read' | 'duplicateFile', Errno[]> = {
    open: [],
    facts: [],
    read: [],
    duplicateFile: [],
  };
  /** Every call that was made, in order: `open a.txt`, `facts`, `read 5+10`, `close`, `closeFile`. */
  readonly calls: string[] = [];
  /** What `isFileCached` answers. */
  cached = true;
  /** Whether `readCached` has what is asked for; else a `read` follows. */
  readsAtOnce = false;
  /** The most that one read answers. */
  readLimitBytes = Number.MAX_SAFE_INTEGER;
  private readonly asked: Asked[] = [];
  private readonly duplicates = new Set<number>();
  private failure: NativeFailure = failureOf('EINVAL', 'none');
  private nextFile = 5000;

  /** Makes a file; gives its bytes back. */
  add(path: string, bytes: Uint8Array | string): Buffer {
    const content = Buffer.from(bytes as string);
    this.files.set(path, { bytes: content });
    return content;
  }

  /** Gives a file other bytes, for those too who have it open. */
  rewrite(path: string, bytes: Uint8Array | string): void {
    const file = this.files.get(path);
    if (file === undefined) throw new Error(`there is no file ${path}`);
    file.bytes = Buffer.from(bytes as string);
  }

  /** A descriptor as a program would have one open. */
  openNow(path: string): number {
    const file = this.files.get(path);
    if (file === undefined) throw new Error(`there is no file ${path}`);
    return this.take(file);
  }

  /** How many calls wait for their answer. */
  get waiting(): number {
    return this.asked.length;
  }

  /** Whether any of them is about this descriptor. */
  isAskedAbout(file: number): boolean {
    return this.asked.some((asked) => asked.file === file);
  }

  /** Answers the call that has waited longest; false when there is none. */
  answer(): boolean {
    const next = this.asked.shift();
    next?.answer();
    return next !== undefined;
  }

  open(path: string, done: (error: Error | undefined, file: number) => void): void {
    this.calls.push(`open ${path}`);
    this.ask('open', -1, () => {
      const file = this.files.get(path);
      const errno = this.failures.open.shift() ?? (file === undefined ? 'ENOENT' : undefined);
      if (errno !== undefined || file === undefined) done(errorOf(errno ?? 'ENOENT', 'open'), -1);
      else done(undefined, this.take(file));
    });
  }

  /** Answers what the file is, at once. */
  facts(file: number, done: (error: Error | undefined, facts: FileFacts) => void): void {
    this.calls.push('facts');
    this.ask('facts', file, () => {
      const errno = this.failures.facts.shift();
      const { bytes, isRegular = true } = this.fileOf(file);
      done(errno === undefined ? undefined : errorOf(errno, 'fstat'), {
        isRegular,
        sizeBytes: bytes.length,
      });
    });
  }

  read(
    file: number,
    bytes: Uint8Array,
    length: number,
    offset: number,
    done: (error: Error | undefined, count: number) => void,
  ): void {
    this.calls.push(`read ${offset}+${length}`);
    this.ask('read', file, () => {
      const errno = this.failures.read.shift();
      if (errno !== undefined) return done(errorOf(errno, 'read'), 0);
      const end = offset + Math.min(length, this.readLimitBytes);
      const part = this.fileOf(file).bytes.subarray(offset, end);
      bytes.set(part);
      done(undefined, part.length);
    });
  }

  readCached(file: number, bytes: Uint8Array, length: number, offset: number): number {
    if (!this.readsAtOnce) return Status.wantsRead;
    this.calls.push(`readCached ${offset}+${length}`);
    const part = this.fileOf(file).bytes.subarray(offset, offset + Math.min(length, this.readLimitBytes));
    bytes.set(part);
    return part.length;
  }

  close(file: number): void {
    this.calls.push('close');
    if (this.duplicates.has(file)) throw new Error('a duplicate was closed as if it had been opened');
    this.drop(file);
  }

  duplicateFile(file: number): number {
    const errno = this.failures.duplicateFile.shift() ?? (this.opened.has(file) ? undefined : 'EBADF');
    if (errno !== undefined) {
      this.failure = failureOf(errno, 'fcntl');
      return Status.failed;
    }
    const copy = this.take(this.fileOf(file));
    this.duplicates.add(copy);
    return copy;
  }

  closeFile(file: number): void {
    this.calls.push('closeFile');
    if (!this.duplicates.delete(file))
      throw new Error('what was opened was closed as if it were a duplicate');
    this.drop(file);
  }

  isFileCached(_file?: number, _offset?: number, _length?: number): boolean {
    return this.cached;
  }

  lastFailure(): NativeFailure {
    return this.failure;
  }

  /** Bytes of an open file, for a transport that sends files. */
  contentOf(file: number): Uint8Array {
    return this.fileOf(file).bytes;
  }

  private ask(call: string, file: number, answer: () => void): void {
    this.asked.push({ call, file, answer });
  }

  private take(file: FakeFile): number {
    this.nextFile += 1;
    this.opened.set(this.nextFile, file);
    return this.nextFile;
  }

  private drop(file: number): void {
    if (this.isAskedAbout(file)) throw new Error('a descriptor was closed under a thread that uses it');
    if (!this.opened.delete(file)) throw new Error('a descriptor was closed twice');
  }

  private fileOf(file: number): FakeFile {
    const found = this.opened.get(file);
    if (found === undefined) throw new Error(`descriptor ${file} is not open`);
    return found;
  }
}

function failureOf(code: Errno, call: string): NativeFailure {
  const errno = constants.errno[code];
  return { kind: 'system', errno, code, call, reason: code, library: 0, reasonCode: 0, stack: [] };
}

function errorOf(code: Errno, call: string): Error {
  return new SystemError(failureOf(code, call));
}
