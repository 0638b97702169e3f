/**
 * The body of a request as a stream of the web.
 *
 * Rule: nothing is read before somebody pulls, and never ahead: what nobody reads stays with the peer. A stream that did
 * not get all of the body errors; it never just closes.
 */
import type { RequestBody } from './body.ts';
import { HttpUsageError } from './errors.ts';

export class FetchRequestBody {
  /**
   * Pieces as they arrive. It errors with what reading the body rejects with; cancelling it drops the rest.
   *
   * No byte stream, whose pieces would have to be copied once more: `getReader({ mode: 'byob' })` throws.
   */
  readonly stream: ReadableStream<Uint8Array>;
  readonly #pieces: AsyncGenerator<Uint8Array, void, undefined>;
  #controller: ReadableStreamDefaultController<Uint8Array> | undefined;

  constructor(body: RequestBody) {
    this.#pieces = body[Symbol.asyncIterator]();
    this.stream = new ReadableStream<Uint8Array>(
      {
        start: (controller) => {
          this.#controller = controller;
        },
        pull: (controller) => this.#pull(controller),
        cancel: () => this.#leave(),
      },
      // With the mark of 1 that streams have by default the first piece is asked for at once, and `100 Continue` sent.
      { highWaterMark: 0 },
    );
  }

  /**
   * The exchange is over: who has not read all of the body gets no more of it. Handlers of this shape often stop reading
   * without a word, and a body that seems to have a reader would hold the connection until its deadline.
   */
  drop(): void {
    const message = 'the request body was dropped when the answer ended; read it to its end before that';
    this.#controller?.error(new HttpUsageError('ERR_HTTP_BODY_DISCARDED', message));
    this.#leave();
  }

  async #pull(controller: ReadableStreamDefaultController<Uint8Array>): Promise<void> {
    const { done, value } = await this.#pieces.next();
    if (done === true) controller.close();
    else controller.enqueue(value);
  }

  /** Not waited for: a generator that waits for a piece leaves when that has come. */
  #leave(): void {
    void this.#pieces.return();
  }
}
