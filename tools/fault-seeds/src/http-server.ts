/** The handler of a run: bytes on demand, whole and in pieces, and bodies sent back or counted. */
import { createHash } from 'node:crypto';
import type { HttpHandler, HttpResponse } from '@sluice/http-lite';
import { Random } from './random.ts';

/** The bytes behind `/whole/SEED/SIZE` and `/pieces/SEED/SIZE`. */
export function bodyOf(seed: number, size: number): Buffer {
  return new Random(seed).bytes(size);
}

/** What `/count` answers about a body. */
export function countOf(body: Buffer): string {
  return `${body.length} ${createHash('sha256').update(body).digest('hex')}`;
}

export const handler: HttpHandler = async (req, res) => {
  const [, kind, seed, size] = req.target.split('/');
  if (kind === 'whole') return res.end(bodyOf(Number(seed), Number(size)));
  if (kind === 'pieces') return sendPieces(bodyOf(Number(seed), Number(size)), res);
  if (kind === 'count') return res.end(countOf(Buffer.from(await req.body.bytes())));
  for await (const piece of req.body) if (!res.write(piece)) await res.drained();
  res.end();
};

async function sendPieces(body: Buffer, res: HttpResponse): Promise<void> {
  const random = new Random(body.length);
  for (let rest = body; rest.length > 0; ) {
    const piece = rest.subarray(0, random.integer(1, 30_000));
    rest = rest.subarray(piece.length);
    if (!res.write(piece)) await res.drained();
  }
  res.end();
}
