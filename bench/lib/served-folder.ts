/**
 * The folders that file servers serve: one file of random bytes in each, which does not compress and is in the page cache.
 *
 * Rule: they go when the benchmark does, however it ends.
 */
import { randomBytes } from 'node:crypto';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export const SERVED_NAME = 'file.bin';

const folders = new Map<number, string>();

/** The folder whose file has `bytes`; made at the first call for it. */
export function servedFolder(bytes: number): string {
  const known = folders.get(bytes);
  if (known !== undefined) return known;
  const made = mkdtempSync(join(tmpdir(), 'sluice-bench-files-'));
  process.once('exit', () => rmSync(made, { recursive: true, force: true }));
  // nginx's worker is another user when it is started by root.
  chmodSync(made, 0o755);
  writeFileSync(join(made, SERVED_NAME), randomBytes(bytes), { mode: 0o644 });
  folders.set(bytes, made);
  return made;
}
