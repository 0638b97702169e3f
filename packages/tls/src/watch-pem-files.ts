/**
 * Certificate and key in files that somebody else renews.
 *
 * Rule: what counts is what the files say, not how often they were touched: an event makes it look, and only other bytes
 * than the last ones are told. Nothing here keeps the process alive.
 */
import { type FSWatcher, watch } from 'node:fs';
import { readFile, realpath } from 'node:fs/promises';
import { dirname } from 'node:path';
import { TlsContextError } from './errors.ts';
import { readPemFileSync } from './pem-file.ts';

/** Paths of PEM files. */
export interface PemFiles {
  readonly cert: string;
  readonly key: string;
}

/** What is in a certificate's file and in its key's. */
export interface PemPair {
  readonly cert: Uint8Array;
  readonly key: Uint8Array;
}

/** Who is told by `watchPemFiles`. */
export interface PemWatchOptions {
  /** One file or both say something else. What this throws goes to `onError`; the next change is told all the same. */
  readonly onChange: (pair: PemPair) => void;
  /**
   * `TlsContextError` (`ERR_TLS_FILE`) when a file cannot be read or watched, or what `onChange` threw: a pair that is
   * half renewed does not belong together, for instance. Watching goes on.
   */
  readonly onError: (error: Error) => void;
}

/** What `watchPemFiles` answers: it goes on watching until it is closed. */
export interface PemWatcher {
  /** Looks now: for file systems that tell nothing of changes, or on a signal. Resolves when all is told. */
  check(): Promise<void>;
  /** Stops; nothing is told any more. Twice is harmless. */
  close(): void;
}

/**
 * Watches two files, their folders and, where they are symbolic links, what these lead to. Throws `TlsContextError`
 * (`ERR_TLS_FILE`) unless both can be read at this moment.
 *
 * ```ts
 * watchPemFiles(files, {
 *   onChange: (pair) => transport.contexts.replaceDefault(tlsContext(pair)),
 *   onError: (error) => console.error(error),
 * });
 * ```
 */
export function watchPemFiles(files: PemFiles, options: PemWatchOptions): PemWatcher {
  return new FileWatch(files, options);
}

class FileWatch implements PemWatcher {
  private readonly files: PemFiles;
  private readonly options: PemWatchOptions;
  private readonly folders = new Map<string, FSWatcher>();
  private seen: PemPair;
  private isOpen = true;
  /** The look that is under way, and the one that follows it: however many ask meanwhile, one is enough. */
  private running = Promise.resolve();
  private next: Promise<void> | undefined;

  constructor(files: PemFiles, options: PemWatchOptions) {
    this.files = files;
    this.options = options;
    this.seen = { cert: readPemFileSync(files.cert), key: readPemFileSync(files.key) };
    for (const path of [files.cert, files.key]) this.watchFolder(dirname(path));
    // Links are followed, and what changed before the folders were watched is seen.
    void this.check();
  }

  check(): Promise<void> {
    this.next ??= this.running.then(() => {
      this.next = undefined;
      return this.look();
    });
    // What `onError` throws is its caller's; the next look is due all the same.
    this.running = this.next.catch(() => {});
    return this.next;
  }

  close(): void {
    this.isOpen = false;
    for (const watcher of this.folders.values()) watcher.close();
    this.folders.clear();
  }

  private async look(): Promise<void> {
    if (!this.isOpen) return;
    try {
      await this.followLinks();
      const cert = await readFile(this.files.cert);
      const key = await readFile(this.files.key);
      if (this.isOpen) this.compare({ cert, key });
    } catch (thrown) {
      if (this.isOpen) this.tellUnreadable(thrown);
    }
  }

  private compare(pair: PemPair): void {
    const { seen } = this;
    if (isSame(seen.cert, pair.cert) && isSame(seen.key, pair.key)) return;
    // Also when it is refused: a bad pair is told once, not at every stir in its folder.
    this.seen = pair;
    try {
      this.options.onChange(pair);
    } catch (thrown) {
      this.options.onError(thrown instanceof Error ? thrown : new Error(String(thrown)));
    }
  }

  /** Whoever renews may write a new file elsewhere and turn a link: both ends of it are watched. */
  private async followLinks(): Promise<void> {
    const wanted = new Set<string>();
    for (const path of [this.files.cert, this.files.key]) {
      wanted.add(dirname(path)).add(dirname(await realpath(path)));
    }
    if (!this.isOpen) return;
    for (const [folder, watcher] of this.folders) {
      if (wanted.has(folder)) continue;
      watcher.close();
      this.folders.delete(folder);
    }
    for (const folder of wanted) this.watchFolder(folder);
  }

  private watchFolder(folder: string): void {
    if (this.folders.has(folder)) return;
    try {
      const watcher = watch(folder, { persistent: false }, () => void this.check());
      watcher.on('error', (error) => {
        watcher.close();
        this.folders.delete(folder);
        this.tellUnreadable(error);
      });
      this.folders.set(folder, watcher);
    } catch (thrown) {
      this.tellUnreadable(thrown);
    }
  }

  private tellUnreadable(thrown: unknown): void {
    const { path = this.files.cert, code } = thrown as NodeJS.ErrnoException;
    const reason = `'${path}' cannot be read (${code})`;
    this.options.onError(new TlsContextError('ERR_TLS_FILE', reason, { cause: thrown }));
  }
}

function isSame(one: Uint8Array, other: Uint8Array): boolean {
  return Buffer.compare(one, other) === 0;
}
