/**
 * An open file that may be sent any number of times, by any number of connections, for as long as its owner keeps it.
 *
 * Rule: the descriptor is closed exactly once, when the owner has closed it and nobody who sends from it is left.
 */
import { FILE_FACTS } from '@sluice/core-native';
import type { FileFacts } from './disk.ts';
import { UsageError } from './errors.ts';

/** What a file was when it was opened. Plain data. */
export interface SharedFileFacts extends FileFacts {
  /** When its bytes last changed, in milliseconds since 1970; as exact as the file system knows it. */
  readonly modifiedMs: number;
  /** Device and inode, which the kernel knows it by: the same file has the same, whatever its path. */
  readonly device: number;
  readonly inode: number;
}

/**
 * A regular file that `openFile` or `Folder.open` has opened; `Connection.sendFile` takes it. What it says of itself is
 * what was so when it was opened: a file that is replaced by renaming remains the old one here.
 */
export class SharedFile implements Disposable {
  /** For messages: its path, or `descriptor 7`. */
  readonly name: string;
  readonly sizeBytes: number;
  readonly modifiedMs: number;
  readonly device: number;
  readonly inode: number;
  readonly #fd: number;
  readonly #release: ((fd: number) => void) | SharedFile;
  #holders = 1;
  #isOwned = true;

  /** Called by who opened it; `release` closes the descriptor, or is the file whose descriptor it is, which is held for this one. */
  constructor(
    name: string,
    fd: number,
    facts: Omit<SharedFileFacts, 'isRegular'>,
    release: ((fd: number) => void) | SharedFile,
  ) {
    this.name = name;
    this.sizeBytes = facts.sizeBytes;
    this.modifiedMs = facts.modifiedMs;
    this.device = facts.device;
    this.inode = facts.inode;
    this.#fd = fd;
    this.#release = release;
  }

  /**
   * Gives it up. What is being sent of it goes on; its descriptor is closed when the last of that has left. Twice is harmless.
   * A file that is forgotten instead keeps its descriptor.
   */
  close(): void {
    if (!this.#isOwned) return;
    this.#isOwned = false;
    this.drop();
  }

  /** As `close()`: for `using`. */
  [Symbol.dispose](): void {
    this.close();
  }

  /** The same open file, for one more owner: its descriptor is closed when both have closed theirs. Throws as {@link hold}. */
  another(): SharedFile {
    return new SharedFile(this.name, this.hold(), this, this);
  }

  /** Called by a connection: the descriptor, which is good until {@link drop}. Throws `UsageError` when it is closed. */
  hold(): number {
    if (!this.#isOwned)
      throw new UsageError('ERR_OPTION_VALUE', `${this.name} was closed before it was to be sent.`);
    this.#holders += 1;
    return this.#fd;
  }

  /** Called by a connection, once for each {@link hold}. */
  drop(): void {
    this.#holders -= 1;
    if (this.#holders > 0) return;
    // No function of each file's own, which code that was compiled for another would not know.
    if (this.#release instanceof SharedFile) this.#release.drop();
    else this.#release(this.#fd);
  }
}

/** What the native core tells of a file, as the reactor has it. */
export function sharedFileFacts(facts: Float64Array): SharedFileFacts {
  const { kind, sizeBytes, modifiedSeconds, modifiedNanoseconds, device, inodeHigh, inodeLow } = FILE_FACTS;
  return {
    isRegular: facts[kind] === 1,
    sizeBytes: fact(facts, sizeBytes),
    modifiedMs: fact(facts, modifiedSeconds) * 1000 + fact(facts, modifiedNanoseconds) / 1e6,
    device: fact(facts, device),
    // Of more than 2^53 files on one device the last bits are lost: two may be taken for one, which costs a wait at worst.
    inode: fact(facts, inodeHigh) * 2 ** 32 + fact(facts, inodeLow),
  };
}

function fact(facts: Float64Array, which: number): number {
  return facts[which] ?? 0;
}
