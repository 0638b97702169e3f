/**
 * Files as the reactor sees them: opened, looked at and read on threads of libuv's pool (node:fs), so that a disk that
 * stalls stalls no loop.
 *
 * Rule: what may wait answers by a callback, later than the call. What answers at once never waits for a disk.
 */
import { close, constants, fstat, open, read } from 'node:fs';
import type { NativeBinding, NativeFailure } from '@sluice/core-native';

/** What fstat(2) says of an open file. */
export interface FileFacts {
  readonly isRegular: boolean;
  readonly sizeBytes: number;
}

/** What the reactor asks of the file system. Descriptors are plain integers; each is closed by the call that belongs to what made it. */
export interface Disk {
  /** A descriptor to read from, close-on-exec. Does not wait for the writer of a FIFO. */
  open(path: string, done: (error: Error | undefined, file: number) => void): void;
  /** fstat(2) of what `open` answered. */
  facts(file: number, done: (error: Error | undefined, facts: FileFacts) => void): void;
  /** Fills `bytes[0, length)` from `offset` on: pread(2). Fewer bytes are no error, and 0 is the end of the file. */
  read(
    file: number,
    bytes: Uint8Array,
    length: number,
    offset: number,
    done: (error: Error | undefined, count: number) => void,
  ): void;
  /**
   * The same at once, for what `isFileCached` is true of: a count above 0, or anything else where `read` has to find out.
   */
  readCached(file: number, bytes: Uint8Array, length: number, offset: number): number;
  /** What `open` answered. Never while a read is under way: the number would mean another file to it. */
  close(file: number): void;
  /** A second descriptor of an open file, or `failed`. Whatever becomes of the first, this one stays what it is. */
  duplicateFile(file: number): number;
  /** What `duplicateFile` answered, under the same rule as `close`. */
  closeFile(file: number): void;
  /** Whether sending this range waits for no disk. False where nobody knows. */
  isFileCached(file: number, offset: number, length: number): boolean;
  /** Why `duplicateFile` failed. */
  lastFailure(): NativeFailure;
}

const NO_FACTS: FileFacts = { isRegular: false, sizeBytes: 0 };

/** open(2): without O_NONBLOCK a FIFO that nobody writes to would keep its thread. */
const TO_READ = constants.O_RDONLY | constants.O_NONBLOCK;

/** The real one. */
export function systemDisk(
  native: Pick<NativeBinding, 'duplicateFile' | 'closeFile' | 'isFileCached' | 'readCached' | 'lastFailure'>,
): Disk {
  return {
    // Node adds O_CLOEXEC, and closes what a worker that is terminated has left open.
    open: (path, done) => open(path, TO_READ, (error, file) => done(error ?? undefined, file)),
    facts: (file, done) =>
      fstat(file, (error, stats) => {
        if (error) done(error, NO_FACTS);
        else done(undefined, { isRegular: stats.isFile(), sizeBytes: stats.size });
      }),
    read: (file, bytes, length, offset, done) =>
      read(file, bytes, 0, length, offset, (error, count) => done(error ?? undefined, count)),
    readCached: (file, bytes, length, offset) => native.readCached(file, bytes, 0, length, offset),
    // Nothing that could be done about it: close(2) has released the descriptor in any case.
    close: (file) => close(file, () => {}),
    duplicateFile: (file) => native.duplicateFile(file),
    closeFile: (file) => native.closeFile(file, false),
    isFileCached: (file, offset, length) => native.isFileCached(file, offset, length),
    lastFailure: () => native.lastFailure(),
  };
}
