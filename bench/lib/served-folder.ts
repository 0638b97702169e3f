/**
 * The folder that file servers serve: one file of random bytes, which does not compress and is in the page cache.
 *
 * Rule: it goes when the benchmark does, however it ends.
 */
import { randomBytes } from 'node:crypto';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export const SERVED_NAME = 'file.bin';

let folder: string | undefined;

/** Makes the folder at the first call, with `bytes` in its file. */
export function servedFolder(bytes: number): string {
  if (folder !== undefined) return folder;
  const made = mkdtempSync(join(tmpdir(), 'sluice-bench-files-'));
  process.once('exit', () => rmSync(made, { recursive: true, force: true }));
  // nginx's worker is another user when it is started by root.
  chmodSync(made, 0o755);
  writeFileSync(join(made, SERVED_NAME), randomBytes(bytes), { mode: 0o644 });
  folder = made;
  return made;
}
