/**
 * The body of a request as a stream of the web.
 *
 * Rule: nothing is read before somebody pulls, and never ahead: what nobody reads stays with the peer.
 */
import type { RequestBody } from './body.ts';

/**
 * Pieces as they arrive. It errors with what reading the body rejects with; cancelling it drops the rest.
 *
 * No byte stream, whose pieces would have to be copied once more: `getReader({ mode: 'byob' })` throws.
 */
export function fetchRequestBody(body: RequestBody): ReadableStream<Uint8Array> {
  const pieces = body[Symbol.asyncIterator]();
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const { done, value } = await pieces.next();
        if (done === true) controller.close();
        else controller.enqueue(value);
      },
      cancel() {
        // Not waited for: a generator that waits for a piece leaves when that has come. One that was never begun leaves
        // without a word to the body, which is dropped after the answer like any that nobody reads.
        void pieces.return();
      },
    },
    // With the mark of 1 that streams have by default the first piece would be asked for at once, and `100 Continue` sent.
    { highWaterMark: 0 },
  );
}
