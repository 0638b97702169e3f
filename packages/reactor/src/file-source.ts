/**
 * What `sendFile` is given, made into something that can be opened once and closed once.
 *
 * Rule: a caller's descriptor is never used: its number may be another file's by the time it is needed. It is duplicated in
 * the call.
 */
import { SystemError } from '@sluice/core-native';
import type { Disk } from './disk.ts';
import { UsageError } from './errors.ts';
import { type FileError, openError, rangeError, unsentError } from './file-errors.ts';
import { checkOptionNames, integerOption } from './options.ts';
import { SharedFile } from './shared-file.ts';

/** A path, a descriptor, something that has one (a `FileHandle` of `node:fs/promises`), or what `openFile` made. */
export type SendableFile = string | number | { readonly fd: number } | SharedFile;

/** Which part of a file to send. */
export interface SendFileOptions {
  /** Where in the file to begin. Default 0. */
  readonly offset?: number;
  /** How many bytes. Default: all from `offset` on, as many as there are when its turn comes. */
  readonly length?: number;
}

/** A file that is to be sent, and where its descriptor comes from. */
export interface FileSource {
  /** For messages. */
  readonly name: string;
  /** Of an open file, ours alone or shared; undefined of a path. `failure` when it could not be had. */
  readonly duplicate: number | undefined;
  readonly path: string | undefined;
  /** Open, looked at and held for us. */
  readonly shared: SharedFile | undefined;
  readonly failure: FileError | undefined;
}

export interface FileRange {
  readonly offset: number;
  readonly length: number | undefined;
}

const OPTION_NAMES = ['offset', 'length'];

/** Throws `UsageError` (`ERR_UNKNOWN_OPTION`, `ERR_OPTION_VALUE`). */
export function fileRange(options: SendFileOptions): FileRange {
  checkOptionNames('sendFile', options, OPTION_NAMES);
  const { offset, length } = options;
  return length === undefined
    ? { offset: integerOption('offset', offset, 0, 0), length }
    : rangeOf(offset ?? 0, length);
}

/** As {@link fileRange}, both given. */
export function rangeOf(offset: number, length: number): FileRange {
  const from = integerOption('offset', offset, undefined, 0);
  return {
    offset: from,
    length: integerOption('length', length, undefined, 0, Number.MAX_SAFE_INTEGER - from),
  };
}

/**
 * Which bytes of an open file `options` name: all from `offset` on where they leave the length open.
 *
 * @throws UsageError as `sendFile`; FileError `ERR_FILE_RANGE` where the file, as it was when it was opened, has fewer.
 */
export function partOfFile(
  file: SharedFile,
  options: SendFileOptions,
): { readonly offset: number; readonly length: number } {
  const { offset, length } = fileRange(options);
  const most = file.sizeBytes - offset;
  if (most < 0 || (length ?? 0) > most) throw rangeError(file.name, offset, length, file.sizeBytes);
  return { offset, length: length ?? most };
}

/** What messages call it. */
export function fileName(file: SendableFile): string {
  if (file instanceof SharedFile) return file.name;
  return typeof file === 'string' ? file : `descriptor ${typeof file === 'number' ? file : file.fd}`;
}

/** Throws `UsageError` (`ERR_OPTION_VALUE`) for what is no file, and for one that is closed. */
export function fileSource(disk: Disk, file: SendableFile): FileSource {
  if (typeof file === 'string') {
    if (file === '' || file.includes('\0')) throw notAFile(JSON.stringify(file));
    return { name: file, path: file, duplicate: undefined, shared: undefined, failure: undefined };
  }
  if (file instanceof SharedFile)
    return { name: file.name, path: undefined, duplicate: file.hold(), shared: file, failure: undefined };
  const fd = typeof file === 'object' && file !== null ? file.fd : file;
  if (!Number.isInteger(fd) || fd < 0 || fd > 0x7fff_ffff) throw notAFile(String(fd));
  const name = fileName(file);
  const duplicate = disk.duplicateFile(fd);
  if (duplicate >= 0) return { name, path: undefined, duplicate, shared: undefined, failure: undefined };
  const failure = disk.lastFailure();
  if (failure.code === 'EBADF') throw notAFile(`${fd}, which is closed`);
  return {
    name,
    path: undefined,
    duplicate: undefined,
    shared: undefined,
    failure: openError(name, new SystemError(failure)),
  };
}

function notAFile(given: string): UsageError {
  return new UsageError(
    'ERR_OPTION_VALUE',
    `file must be a path, an open FileHandle or an open descriptor, not ${given}.`,
  );
}

/** Nothing was queued, for our side has ended. */
export function unsent(file: SendableFile): Promise<number> {
  const answer = Promise.reject<number>(unsentError(fileName(file), 0));
  answer.catch(() => {});
  return answer;
}
