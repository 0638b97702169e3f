/**
 * A folder whose files are served to strangers: what they ask for is found in it, or not at all.
 *
 * Rule: the kernel holds the border (openat2(2), RESOLVE_BENEATH), at the moment of the opening. Nothing is decided by
 * looking at the text of a path, and nothing by looking at a file before it is opened.
 */
import { FILE_FACTS, loadNative, Status, SystemError } from '@sluice/core-native';
import { UsageError } from './errors.ts';
import { FileError, openError } from './file-errors.ts';
import { fileFacts, openWithin, tryOpenWithin } from './open-shared-file.ts';
import { RecentFiles } from './recent-files.ts';
import type { SharedFile } from './shared-file.ts';

/** An open folder: files are opened in it, and nothing outside of it can be reached. */
export interface Folder extends Disposable {
  /** As it was given. */
  readonly path: string;
  /**
   * Opens the regular file that `path`, relative to the folder, leads to. Neither `..` nor a symbolic link takes it out of the
   * folder; links that stay inside are followed, absolute ones lead outside by definition. Needs Linux 5.6.
   *
   * @throws FileError (by rejection) `ERR_FILE_OUTSIDE` for a path that leads out of the folder, else as `openFile`.
   * UsageError `ERR_OPTION_VALUE` for a path with a NUL, and after `close()`.
   */
  open(path: string): Promise<SharedFile>;
  /**
   * As `open`, at once: undefined where a thread would have to wait for a disk, or for whoever has the file system. What was
   * opened a moment ago usually is there, and may be open still: the folder keeps up to 64 files for a second or two after they
   * were last asked for, each of them only while it is what its path leads to. Throws what `open` rejects with.
   */
  tryOpen(path: string): SharedFile | undefined;
  /** Gives the folder up; files that were opened are not touched. Twice is harmless. */
  close(): void;
  /** As `close()`: for `using`. */
  [Symbol.dispose](): void;
}

/**
 * Opens a folder. It stays the same one whatever becomes of its name.
 *
 * @throws FileError (by rejection) `ERR_FILE_NOT_FOUND`, `ERR_FILE_PERMISSION`, `ERR_FILE_OPEN`, or `ERR_FILE_TYPE` for what is
 * no folder.
 */
export function openFolder(path: string): Promise<Folder> {
  const native = loadNative();
  return new Promise((resolve, reject) => {
    native.openFileLater(-1, path, (fd, facts) => {
      if (facts === undefined) return reject(openError(path, new SystemError(native.lastFailure())));
      const isLocal = facts[FILE_FACTS.isLocal] === 1;
      if (facts[FILE_FACTS.kind] === 2) return resolve(new OpenFolder(path, fd, isLocal));
      native.closeFile(fd, isLocal);
      reject(
        new FileError('ERR_FILE_TYPE', path, 0, `${path} is no folder. Give the one that holds the files.`),
      );
    });
  });
}

class OpenFolder implements Folder {
  readonly path: string;
  #fd: number;
  readonly #isLocal: boolean;
  readonly #recent = new RecentFiles(loadNative());

  constructor(path: string, fd: number, isLocal: boolean) {
    this.path = path;
    this.#fd = fd;
    this.#isLocal = isLocal;
  }

  async open(path: string): Promise<SharedFile> {
    return this.tryOpen(path) ?? openWithin(this.#fd, path, this.#nameOf(path));
  }

  tryOpen(path: string): SharedFile | undefined {
    if (this.#fd === Status.failed) throw closed(this.path);
    return this.#recent.find(this.#fd, path) ?? this.#openNow(path);
  }

  #openNow(path: string): SharedFile | undefined {
    if (path.includes('\0'))
      throw new UsageError('ERR_OPTION_VALUE', `a path has no NUL in it: ${JSON.stringify(path)}.`);
    if (!this.#isLocal) return undefined;
    const facts = fileFacts();
    const file = tryOpenWithin(this.#fd, path, this.#nameOf(path), facts);
    if (file !== undefined) this.#recent.keep(path, file, facts);
    return file;
  }

  #nameOf(path: string): string {
    return `${this.path}/${path}`;
  }

  close(): void {
    if (this.#fd === Status.failed) return;
    this.#recent.close();
    loadNative().closeFile(this.#fd, this.#isLocal);
    this.#fd = Status.failed;
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

function closed(path: string): UsageError {
  return new UsageError('ERR_OPTION_VALUE', `the folder ${path} was closed: open its files before that.`);
}
