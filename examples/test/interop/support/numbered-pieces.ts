/**
 * A long body of which no two pieces are the same, made in one buffer that is used again: whoever makes a gibibyte of it
 * needs 64 KiB of memory, and what grows is somebody else's.
 */
import { createHash } from 'node:crypto';
import type { Digest } from '../../support/checksum.ts';
import { keystream } from './keystream.ts';

const PIECE_BYTES = 64 * 1024;
/** Each so long a part of a piece begins with the number of its piece. */
const PART_BYTES = 1024;

/** `totalBytes` of it. A piece is valid until the next is asked for. */
export function* numberedPieces(totalBytes: number): Generator<Buffer> {
  const [piece = Buffer.alloc(0)] = keystream(PIECE_BYTES);
  for (let number = 0; number * PIECE_BYTES < totalBytes; number += 1) {
    for (let at = 0; at < PIECE_BYTES; at += PART_BYTES) piece.writeUInt32BE(number, at);
    yield piece.subarray(0, totalBytes - number * PIECE_BYTES);
  }
}

/** Length and SHA-256 of the same. */
export function numberedPiecesDigest(totalBytes: number): Digest {
  const hash = createHash('sha256');
  for (const piece of numberedPieces(totalBytes)) hash.update(piece);
  return { bytes: totalBytes, sha256: hash.digest('hex') };
}
