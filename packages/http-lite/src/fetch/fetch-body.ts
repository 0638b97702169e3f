/**
 * Sending a stream of the web as the body of an answer.
 *
 * Rule: nobody is held up: what has come leaves before anything is waited for. No more is asked for than one piece, or
 * {@link JOIN_BYTES} of small ones, beyond what the connection takes; and whoever makes them is told, by the stream's
 * `cancel`, when nobody wants more.
 */
import { Buffer } from 'node:buffer';
import { ServedResponse } from '../response/response.ts';
import type { HttpResponse } from '../response/response-contract.ts';
import { PieceReader } from './piece-reader.ts';

/** Pieces that follow each other at once are sent as one up to here: a system call costs more than copying as much. */
const JOIN_BYTES = 16 * 1024;

/**
 * Sends all of `body`, then ends the answer. One that is over before anything had to leave, as those of text and bytes are,
 * leaves in one write with its length; any other goes piece by piece.
 *
 * @throws HttpUsageError `ERR_HTTP_FETCH_RESPONSE` for pieces that are not bytes; otherwise as {@link HttpResponse}, and what
 * the stream errors with. The stream is cancelled then, with the error.
 */
export async function sendFetchBody(body: ReadableStream<unknown>, res: HttpResponse): Promise<void> {
  const reader = body.getReader();
  let cancelled: Promise<void> | undefined;
  // A stream may be silent for hours: it is told at once, not by the write that fails.
  if (res instanceof ServedResponse) {
    res.onGone = (reason) => {
      cancelled = reader.cancel(reason);
      cancelled.catch(() => {});
    };
  }
  try {
    await pump(new PieceReader(reader), res);
  } catch (error) {
    // One error is told, the first. Whoever hangs while he tidies up does not hold the connection.
    reader.cancel(error).catch(() => {});
    throw error;
  }
  await cancelled;
}

async function pump(pieces: PieceReader, res: HttpResponse): Promise<void> {
  let piece = await pieces.next();
  while (piece !== undefined) {
    let joined = piece;
    let parts: Uint8Array[] | undefined;
    let size = piece.length;
    piece = undefined;
    while (piece === undefined && (await pieces.comesAtOnce())) {
      // Here already, so no turn passes.
      const next = await pieces.next();
      if (next === undefined) return res.end(parts === undefined ? joined : Buffer.concat(parts, size));
      if (size + next.length > JOIN_BYTES) {
        piece = next;
      } else if (next.length > 0) {
        parts ??= [joined];
        parts.push(next);
        size += next.length;
      }
    }
    if (parts !== undefined) joined = Buffer.concat(parts, size);
    if (!res.write(joined)) await res.drained();
    piece ??= await pieces.next();
  }
  res.end();
}
