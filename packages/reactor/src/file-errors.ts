/**
 * Why a file was not sent. Rule: the code says what was wrong; what the system said of it is the `cause`.
 */
import { SluiceError } from './errors.ts';

/** Codes of {@link FileError}. */
export type FileErrorCode =
  | 'ERR_FILE_NOT_FOUND'
  | 'ERR_FILE_OUTSIDE'
  | 'ERR_FILE_PERMISSION'
  | 'ERR_FILE_OPEN'
  | 'ERR_FILE_TYPE'
  | 'ERR_FILE_RANGE'
  | 'ERR_FILE_READ'
  | 'ERR_FILE_SHRANK'
  | 'ERR_FILE_UNSENT';

/** A file could not be sent, or not to its end. `sentBytes` of it had left by then. */
export class FileError extends SluiceError {
  /** Its path, or `descriptor 7`. */
  readonly file: string;
  readonly sentBytes: number;

  constructor(code: FileErrorCode, file: string, sentBytes: number, message: string, cause?: Error) {
    super(code, message, cause === undefined ? undefined : { cause });
    this.file = file;
    this.sentBytes = sentBytes;
  }
}

/** A path with such a name, or such links, leads to no file that could be there. */
const NOWHERE = new Set<unknown>(['ENOENT', 'ENOTDIR', 'ENAMETOOLONG', 'ELOOP']);

/** open(2) or fcntl(2) refused. */
export function openError(file: string, cause: Error): FileError {
  const code = (cause as { code?: unknown }).code;
  if (NOWHERE.has(code)) {
    return new FileError('ERR_FILE_NOT_FOUND', file, 0, `There is no file ${file}. Check its path.`, cause);
  }
  if (code === 'EACCES' || code === 'EPERM') {
    const message = `This process may not read ${file}. Change its permissions, or open it elsewhere and pass the descriptor.`;
    return new FileError('ERR_FILE_PERMISSION', file, 0, message, cause);
  }
  const message = `${file} cannot be opened (${cause.message}). The cause says why.`;
  return new FileError('ERR_FILE_OPEN', file, 0, message, cause);
}

/** The kernel would have had to leave the folder (openat2(2), RESOLVE_BENEATH). */
export function outsideError(file: string, cause: Error): FileError {
  const message = `${file} leads out of its folder. Absolute symbolic links and those that climb out of it are not followed.`;
  return new FileError('ERR_FILE_OUTSIDE', file, 0, message, cause);
}

export function typeError(file: string): FileError {
  const message = `${file} is no regular file. Directories, pipes, sockets and devices cannot be sent: read them and write().`;
  return new FileError('ERR_FILE_TYPE', file, 0, message);
}

/** `length` is undefined when all from `offset` on was asked for. */
export function rangeError(
  file: string,
  offset: number,
  length: number | undefined,
  sizeBytes: number,
): FileError {
  const wanted = length === undefined ? `offset ${offset}` : `${length} bytes from offset ${offset}`;
  const message = `${file} has ${sizeBytes} bytes, and ${wanted} reaches beyond them. Ask for its size before promising a length.`;
  return new FileError('ERR_FILE_RANGE', file, 0, message);
}

export function readError(file: string, sentBytes: number, cause: Error): FileError {
  const message = `Reading ${file} failed after ${sentBytes} bytes of it had been sent (${cause.message}). The connection was closed, for its peer was promised more.`;
  return new FileError('ERR_FILE_READ', file, sentBytes, message, cause);
}

export function shrankError(file: string, sentBytes: number, lengthBytes: number): FileError {
  const message = `${file} shrank: it ended after ${sentBytes} of ${lengthBytes} bytes that were to be sent. The connection was closed, for its peer was promised more. Replace files by renaming, not by truncating them.`;
  return new FileError('ERR_FILE_SHRANK', file, sentBytes, message);
}

/** The connection, or its writing side, was over first; `cause` is what ended it, if an error did. */
export function unsentError(file: string, sentBytes: number, cause?: Error): FileError {
  const why = cause === undefined ? '' : ` (${cause.message})`;
  const message = `The connection ended when ${sentBytes} bytes of ${file} had been sent${why}. Send it again on another one.`;
  return new FileError('ERR_FILE_UNSENT', file, sentBytes, message, cause);
}
