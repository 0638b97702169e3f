/** Bytes that never repeat, in any amount and always the same: AES-128 in counter mode with a key of zeros. */
import { createCipheriv, createHash } from 'node:crypto';
import type { Digest } from '../../support/checksum.ts';

const PIECE_BYTES = 64 * 1024;
const ZEROS = Buffer.alloc(PIECE_BYTES);

/** The first `totalBytes` of them, in pieces of 64 KiB. */
export function* keystream(totalBytes: number): Generator<Buffer> {
  const cipher = createCipheriv('aes-128-ctr', Buffer.alloc(16), Buffer.alloc(16));
  for (let left = totalBytes; left > 0; left -= PIECE_BYTES) {
    yield cipher.update(left < PIECE_BYTES ? ZEROS.subarray(0, left) : ZEROS);
  }
}

/** Length and SHA-256 of the same. */
export function keystreamDigest(totalBytes: number): Digest {
  const hash = createHash('sha256');
  for (const piece of keystream(totalBytes)) hash.update(piece);
  return { bytes: totalBytes, sha256: hash.digest('hex') };
}
