/**
 * Opening files that are to be sent: of a path, of a descriptor, or of a path within a folder that none may leave.
 *
 * Rule: what was opened is judged, never its name: between a look at a name and its use it may have become another file's.
 */
import { fstat } from 'node:fs';
import { constants } from 'node:os';
import { FILE_FACTS, loadNative, type NativeBinding, Status, SystemError } from '@sluice/core-native';
import { UsageError } from './errors.ts';
import { openError, outsideError, typeError } from './file-errors.ts';
import { fileName, type SendableFile } from './file-source.ts';
import { SharedFile, type SharedFileFacts, sharedFileFacts } from './shared-file.ts';

/**
 * Opens a regular file to be sent. Of a `FileHandle` or a descriptor it takes a duplicate: the caller's remains his own.
 *
 * @throws FileError (by rejection) `ERR_FILE_NOT_FOUND`, `ERR_FILE_PERMISSION`, `ERR_FILE_OPEN`, or `ERR_FILE_TYPE` for what
 * is no regular file. UsageError `ERR_OPTION_VALUE` for what is no file at all, and for a descriptor that is closed.
 */
export async function openFile(file: SendableFile): Promise<SharedFile> {
  const native = loadNative();
  if (file instanceof SharedFile) return file.another();
  if (typeof file === 'string') {
    if (file === '' || file.includes('\0')) throw noFile(JSON.stringify(file));
    return openLater(native, -1, file, file);
  }
  const fd = typeof file === 'object' && file !== null ? file.fd : file;
  if (!Number.isInteger(fd) || fd < 0 || fd > 0x7fff_ffff) throw noFile(String(fd));
  const name = fileName(file);
  const copy = native.duplicateFile(fd);
  if (copy < 0) {
    const failure = native.lastFailure();
    if (failure.code === 'EBADF') throw noFile(`${fd}, which is closed`);
    throw openError(name, new SystemError(failure));
  }
  try {
    return made(name, copy, await factsOf(copy), false);
  } catch (thrown) {
    native.closeFile(copy, false);
    throw thrown;
  }
}

/** Room for what `openFile` tells. */
export function fileFacts(): Float64Array {
  return new Float64Array(FILE_FACTS.length);
}

/**
 * The file that `path` leads to from the open directory `folder`, if the kernel knows by heart, with its FILE_FACTS in `facts`;
 * undefined where a thread has to find out. For folders whose file system waits for nobody.
 *
 * @throws FileError as {@link openFile}.
 */
export function tryOpenWithin(
  folder: number,
  path: string,
  name: string,
  facts: Float64Array,
): SharedFile | undefined {
  const native = loadNative();
  const fd = native.openFile(folder, path, facts);
  if (fd >= 0) return opened(native, name, fd, facts);
  // That a name leads nowhere is remembered too. All else a thread finds out again, with the right words for it.
  if (native.lastErrno() !== constants.errno.ENOENT) return undefined;
  throw openError(name, new SystemError(native.lastFailure()));
}

/** The same by a thread, whatever it takes. */
export function openWithin(folder: number, path: string, name: string): Promise<SharedFile> {
  return openLater(loadNative(), folder, path, name);
}

function openLater(native: NativeBinding, folder: number, path: string, name: string): Promise<SharedFile> {
  return new Promise((resolve, reject) => {
    const done = (fd: number, facts?: Float64Array) => {
      try {
        if (facts === undefined) throw failureOf(native, folder, name);
        resolve(opened(native, name, fd, facts));
      } catch (thrown) {
        reject(thrown as Error);
      }
    };
    if (native.openFileLater(folder, path, done) === Status.failed) reject(failureOf(native, folder, name));
  });
}

function failureOf(native: NativeBinding, folder: number, name: string): Error {
  const failure = native.lastFailure();
  const cause = new SystemError(failure);
  return folder >= 0 && failure.code === 'EXDEV' ? outsideError(name, cause) : openError(name, cause);
}

function opened(native: NativeBinding, name: string, fd: number, facts: Float64Array): SharedFile {
  const isLocal = facts[FILE_FACTS.isLocal] === 1;
  try {
    return made(name, fd, sharedFileFacts(facts), isLocal);
  } catch (thrown) {
    native.closeFile(fd, isLocal);
    throw thrown;
  }
}

function made(name: string, fd: number, facts: SharedFileFacts, isLocal: boolean): SharedFile {
  if (!facts.isRegular) throw typeError(name);
  return new SharedFile(name, fd, facts, isLocal ? closeLocal : closeRemote);
}

function closeLocal(fd: number): void {
  loadNative().closeFile(fd, true);
}

function closeRemote(fd: number): void {
  loadNative().closeFile(fd, false);
}

function factsOf(fd: number): Promise<SharedFileFacts> {
  return new Promise((resolve, reject) => {
    fstat(fd, { bigint: true }, (error, stats) => {
      if (error) return reject(openError(`descriptor ${fd}`, error));
      resolve({
        isRegular: stats.isFile(),
        sizeBytes: Number(stats.size),
        modifiedMs: Number(stats.mtimeNs) / 1e6,
        device: Number(stats.dev),
        inode: Number(stats.ino),
      });
    });
  });
}

function noFile(given: string): UsageError {
  return new UsageError(
    'ERR_OPTION_VALUE',
    `file must be a path, an open FileHandle or an open descriptor, not ${given}.`,
  );
}
