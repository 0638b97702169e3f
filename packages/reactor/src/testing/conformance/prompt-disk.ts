/**
 * Real files whose calls are answered in a microtask: a suite that waits for those waits for the disk, too.
 *
 * Rule: the addon is loaded for descriptors that are handed in, which only it can duplicate, and for nothing else: where
 * there is none, a path can still be sent.
 */
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { loadNative } from '@sluice/core-native';
import type { Disk } from '../../disk.ts';

export function promptDisk(): Disk {
  return {
    close: (file) => closeSync(file),
    duplicateFile: (file) => loadNative().duplicateFile(file),
    closeFile: (file) => loadNative().closeFile(file, false),
    lastFailure: () => loadNative().lastFailure(),
    isFileCached: () => true,
    readCached: (file, bytes, length, offset) => readSync(file, bytes, 0, length, offset),
    open: (path, done) => answer(() => openSync(path, constants.O_RDONLY | constants.O_NONBLOCK), -1, done),
    facts: (file, done) =>
      answer(
        () => {
          const stats = fstatSync(file);
          return { isRegular: stats.isFile(), sizeBytes: stats.size };
        },
        { isRegular: false, sizeBytes: 0 },
        done,
      ),
    read: (file, bytes, length, offset, done) =>
      answer(() => readSync(file, bytes, 0, length, offset), 0, done),
  };
}

function answer<T>(call: () => T, otherwise: T, done: (error: Error | undefined, result: T) => void): void {
  queueMicrotask(() => {
    let result: T;
    try {
      result = call();
    } catch (thrown) {
      return done(thrown as Error, otherwise);
    }
    done(undefined, result);
  });
}
