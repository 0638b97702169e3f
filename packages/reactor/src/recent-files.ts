/**
 * The files of one folder that were opened a moment ago: open still, so that who asks for one again is spared the opening and
 * the closing: a fortieth of what sending a mebibyte costs, more of what is smaller (performance-notes.md).
 *
 * Rule: who is given a file from here gets what opening it now would give. The kernel is asked each time; no time is trusted.
 */
import type { NativeBinding } from '@sluice/core-native';
import type { SharedFile } from './shared-file.ts';

/** Who was not asked for between two looks is closed at the second. */
const LOOK_MS = 1_000;

/** Descriptors that one folder may keep. Beyond it the one that was opened first is given up. */
const MOST_KEPT = 64;

interface Recent {
  readonly file: SharedFile;
  /** FILE_FACTS of when it was opened. */
  readonly facts: Float64Array;
  wasAskedFor: boolean;
}

export class RecentFiles {
  readonly #native: Pick<NativeBinding, 'isSameFile'>;
  readonly #files = new Map<string, Recent>();
  #look: NodeJS.Timeout | undefined;

  constructor(native: Pick<NativeBinding, 'isSameFile'>) {
    this.#native = native;
  }

  /** One more of what was opened as `path` in the open directory `folder`, if that is what is there. The caller closes it. */
  find(folder: number, path: string): SharedFile | undefined {
    const recent = this.#files.get(path);
    if (recent === undefined) return undefined;
    if (this.#native.isSameFile(folder, path, recent.facts)) {
      recent.wasAskedFor = true;
      return recent.file.another();
    }
    this.#drop(path, recent);
    return undefined;
  }

  /** `file` was opened as `path`, with `facts`, which are not to be written to any more. It stays the caller's. */
  keep(path: string, file: SharedFile, facts: Float64Array): void {
    if (this.#files.size === MOST_KEPT) this.#dropFirst();
    this.#files.set(path, { file: file.another(), facts, wasAskedFor: true });
    this.#look ??= setInterval(() => this.#closeForgotten(), LOOK_MS).unref();
  }

  /** Closes all that nobody else uses. */
  close(): void {
    for (const [path, recent] of this.#files) this.#drop(path, recent);
  }

  #closeForgotten(): void {
    for (const [path, recent] of this.#files) {
      if (!recent.wasAskedFor) this.#drop(path, recent);
      recent.wasAskedFor = false;
    }
  }

  #dropFirst(): void {
    for (const [path, recent] of this.#files) return this.#drop(path, recent);
  }

  #drop(path: string, { file }: Recent): void {
    this.#files.delete(path);
    file.close();
    if (this.#files.size > 0) return;
    clearInterval(this.#look);
    this.#look = undefined;
  }
}
