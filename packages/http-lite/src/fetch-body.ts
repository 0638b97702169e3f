/**
 * Sending a stream of the web as the body of an answer.
 *
 * Rule: a piece is asked for when the connection has taken those before it, and whoever makes them is told, by the
 * stream's `cancel`, when nobody wants more.
 */
import { types } from 'node:util';
import { unsendable } from './errors.ts';
import { HttpResponse } from './response.ts';
import type { Response } from './response-contract.ts';

/**
 * How many turns of the microtask queue a stream has, after its first piece, to say that there is no other. One over text
 * or bytes needs 2 or 3; one that waits for anything outside needs more than any number of them.
 */
const END_TURNS = 16;

type Reader = ReadableStreamDefaultReader<unknown>;

/**
 * Sends all of `body`, then ends the answer. One that is over with its first piece, as those of text and bytes are, leaves
 * in one write with its length; any other goes piece by piece.
 *
 * @throws HttpUsageError `ERR_HTTP_FETCH_RESPONSE` for pieces that are not bytes; otherwise as {@link Response}, and what
 * the stream errors with. The stream is cancelled then, with the error.
 */
export async function sendFetchBody(body: ReadableStream<unknown>, res: Response): Promise<void> {
  const reader = body.getReader();
  let cancelled: Promise<void> | undefined;
  // A stream may be silent for hours: it is told at once, not by the write that fails.
  if (res instanceof HttpResponse) {
    res.onGone = (reason) => {
      cancelled = reader.cancel(reason);
      cancelled.catch(() => {});
    };
  }
  try {
    await pump(reader, res);
  } catch (error) {
    // One error is told, the first. Whoever hangs while he tidies up does not hold the connection.
    reader.cancel(error).catch(() => {});
    throw error;
  }
  await cancelled;
}

async function pump(reader: Reader, res: Response): Promise<void> {
  const first = await nextPiece(reader);
  if (first === undefined) return res.end();
  const second = nextPiece(reader);
  if (await isOver(second)) return res.end(first);
  if (!res.write(first)) await res.drained();
  for (let piece = await second; piece !== undefined; piece = await nextPiece(reader)) {
    if (!res.write(piece)) await res.drained();
  }
  res.end();
}

/** Undefined at the end. */
async function nextPiece(reader: Reader): Promise<Uint8Array | undefined> {
  const { done, value } = await reader.read();
  if (done) return undefined;
  if (types.isUint8Array(value)) return value;
  throw unsendable(
    `the body of the Response is a stream of ${typeof value}, and has to be one of Uint8Array`,
  );
}

/** Whether the end is known already. Without a timer: the first piece of a stream that goes on is not held up. */
async function isOver(next: Promise<Uint8Array | undefined>): Promise<boolean> {
  const seen = { outcome: 'none' as 'none' | 'end' | 'more' };
  next.then(
    (piece) => {
      seen.outcome = piece === undefined ? 'end' : 'more';
    },
    () => {
      seen.outcome = 'more';
    },
  );
  for (let turn = 0; turn < END_TURNS && seen.outcome === 'none'; turn++) await undefined;
  return seen.outcome === 'end';
}
