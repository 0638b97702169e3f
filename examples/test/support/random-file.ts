/** A file of random bytes in a folder of its own. */
import { createHash, randomBytes } from 'node:crypto';
import { closeSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import type { Digest } from './checksum.ts';
import { temporaryFolder } from './temporary-folder.ts';

const MEBIBYTE = 1024 * 1024;

/** Writes `mebibytes` of random bytes to a file that goes with the test. */
export function randomFile(mebibytes: number): Digest & { readonly path: string } {
  const path = join(temporaryFolder(), 'random');
  const hash = createHash('sha256');
  const fd = openSync(path, 'w');
  for (let written = 0; written < mebibytes; written += 1) {
    const block = randomBytes(MEBIBYTE);
    hash.update(block);
    writeSync(fd, block);
  }
  closeSync(fd);
  return { path, bytes: mebibytes * MEBIBYTE, sha256: hash.digest('hex') };
}
