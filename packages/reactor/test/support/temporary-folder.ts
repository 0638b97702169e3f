import { mkdtempSync, readdirSync, readlinkSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';

/** A folder of one test, and which of its files this process has open. */
export class TemporaryFolder {
  readonly path = mkdtempSync(join(tmpdir(), 'sluice-files-'));

  constructor() {
    onTestFinished(() => rmSync(this.path, { recursive: true, force: true }));
  }

  of(name: string): string {
    return join(this.path, name);
  }

  /** Descriptors of this process that lead into the folder, removed files included. */
  opened(): string[] {
    return readdirSync('/proc/self/fd')
      .map((fd) => {
        try {
          return readlinkSync(`/proc/self/fd/${fd}`);
        } catch {
          return '';
        }
      })
      .filter((link) => link.startsWith(this.path));
  }

  /** Resolves when nothing of it is open: files are closed by threads. */
  async allClosed(): Promise<void> {
    while (this.opened().length > 0) await new Promise((resolve) => setImmediate(resolve));
  }
}
