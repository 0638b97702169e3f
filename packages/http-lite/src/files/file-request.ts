/**
 * Which file, and in which coding, a request gets: the one that was named, or what stands beside it in fewer bytes.
 *
 * Rule: who opened a file closes it; what the handler gave stays the handler's.
 */
import { FileError, type Folder, openFile, type SendableFile, SharedFile } from '@sluice/reactor';
import { acceptedCodings, type ContentCoding } from './accept-encoding.ts';

/** An open file as the body of an answer. */
export interface FileRepresentation {
  readonly file: SharedFile;
  /** What its Content-Type is told by. */
  readonly name: string;
  readonly coding: ContentCoding | undefined;
  /** Whether it was opened here. */
  readonly isOurs: boolean;
}

/** What stands behind the name of a file for its encoded form. */
const SUFFIXES: Readonly<Record<ContentCoding, string>> = { br: '.br', gzip: '.gz' };
/** Most wanted first. */
const CODINGS: readonly ContentCoding[] = ['br', 'gzip'];

/**
 * Opens what is to be sent of `file`, in the best coding that the client takes where `acceptEncoding` is not `never`. In the
 * call itself where nobody has to be waited for.
 */
export function representationOf(
  file: SendableFile,
  folder: Folder | undefined,
  acceptEncoding: string | undefined | 'never',
): FileRepresentation | Promise<FileRepresentation> {
  if (typeof file !== 'string') return ofOpen(file);
  const codings = acceptEncoding === 'never' ? [] : acceptedCodings(acceptEncoding, CODINGS);
  if (codings.length > 0) return ofBest(file, folder, codings);
  const opened = folder?.tryOpen(file);
  return opened === undefined ? ofPath(file, folder) : made(opened, file, undefined);
}

function ofOpen(file: Exclude<SendableFile, string>): FileRepresentation | Promise<FileRepresentation> {
  if (file instanceof SharedFile) {
    // Throws for one that is closed while nothing has been sent yet.
    file.hold();
    file.drop();
    return { file, name: file.name, coding: undefined, isOurs: false };
  }
  return openFile(file).then((opened) => made(opened, opened.name, undefined));
}

async function ofPath(path: string, folder: Folder | undefined): Promise<FileRepresentation> {
  return made(await open(path, folder), path, undefined);
}

async function ofBest(
  path: string,
  folder: Folder | undefined,
  codings: readonly ContentCoding[],
): Promise<FileRepresentation> {
  for (const coding of codings) {
    try {
      return made(await open(path + SUFFIXES[coding], folder), path, coding);
    } catch (thrown) {
      // Whatever is wrong with the encoded form, the original may be all right.
      if (!(thrown instanceof FileError)) throw thrown;
    }
  }
  return ofPath(path, folder);
}

function open(path: string, folder: Folder | undefined): Promise<SharedFile> {
  return folder === undefined ? openFile(path) : folder.open(path);
}

function made(file: SharedFile, name: string, coding: ContentCoding | undefined): FileRepresentation {
  return { file, name, coding, isOurs: true };
}
