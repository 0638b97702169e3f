/** SHA-256 of what flows by, nothing of it kept. */
import { createHash } from 'node:crypto';

export interface Digest {
  readonly bytes: number;
  readonly sha256: string;
}

/** Reads `source` until it ends, or until `limitBytes` have come. */
export async function digestOf(
  source: AsyncIterable<Buffer>,
  limitBytes = Number.POSITIVE_INFINITY,
): Promise<Digest> {
  const hash = createHash('sha256');
  let bytes = 0;
  for await (const chunk of source) {
    hash.update(chunk);
    bytes += chunk.length;
    if (bytes >= limitBytes) break;
  }
  return { bytes, sha256: hash.digest('hex') };
}
