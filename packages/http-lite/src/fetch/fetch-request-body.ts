/**
 * The body of a request as the web has it: a stream, or collected.
 *
 * Rule: nothing is read before somebody pulls or collects, and never ahead: what nobody reads stays with the peer. Who did
 * not get all of the body gets an error; it never just ends.
 */

import { HttpUsageError } from '../errors.ts';
import { Body, type RequestBody } from '../request/body.ts';

/**
 * - `untouched`: nobody has read; of a stream that was made, nothing was pulled.
 * - `streamed`: something was pulled, or the stream was cancelled.
 * - `collected`: {@link FetchRequestBody.collect} has it, or waits for it.
 */
type Use = 'untouched' | 'streamed' | 'collected';

export class FetchRequestBody {
  readonly #body: RequestBody;
  readonly #pieces: AsyncGenerator<Buffer, void, undefined>;
  #use: Use = 'untouched';
  #stream: ReadableStream<Uint8Array> | undefined;
  #controller: ReadableStreamDefaultController<Uint8Array> | undefined;
  #rejectCollector: ((reason: HttpUsageError) => void) | undefined;
  /** Set by {@link drop}. */
  #dropped: HttpUsageError | undefined;

  constructor(body: RequestBody) {
    this.#body = body;
    this.#pieces = body[Symbol.asyncIterator]();
  }

  /**
   * Pieces as they arrive. It errors with what reading the body rejects with; cancelling it drops the rest.
   *
   * No byte stream, whose pieces would have to be copied once more: `getReader({ mode: 'byob' })` throws.
   */
  get stream(): ReadableStream<Uint8Array> {
    this.#stream ??= this.#makeStream();
    return this.#stream;
  }

  /** Whether nobody has begun to read, or has taken the right to. */
  get isUntouched(): boolean {
    return this.#use === 'untouched' && this.#stream?.locked !== true;
  }

  get isCollected(): boolean {
    return this.#use === 'collected';
  }

  /** All of it, for who finds it untouched; bounded by `limits.collectBytes`, and otherwise as `RequestBody.bytes()`. */
  collect(): Promise<Buffer> {
    this.#use = 'collected';
    return new Promise((resolve, reject) => {
      if (this.#dropped !== undefined) return reject(this.#dropped);
      this.#rejectCollector = reject;
      const body = this.#body;
      (body instanceof Body ? body.collect(this.#pieces) : body.bytes()).then(resolve, reject);
    });
  }

  /**
   * The exchange is over: who has not read all of the body gets no more of it. Handlers of this shape often stop reading
   * without a word, and a body that seems to have a reader would hold the connection until its deadline.
   */
  drop(): void {
    const message = 'the request body was dropped when the answer ended; read it to its end before that';
    this.#dropped = new HttpUsageError('ERR_HTTP_BODY_DISCARDED', message);
    this.#controller?.error(this.#dropped);
    this.#rejectCollector?.(this.#dropped);
    this.#leave();
  }

  #makeStream(): ReadableStream<Uint8Array> {
    return new ReadableStream<Uint8Array>(
      {
        start: (controller) => {
          this.#controller = controller;
          if (this.#dropped !== undefined) controller.error(this.#dropped);
        },
        pull: (controller) => this.#pull(controller),
        cancel: () => this.#leave(),
      },
      // With the mark of 1 that streams have by default the first piece is asked for at once, and `100 Continue` sent.
      { highWaterMark: 0 },
    );
  }

  async #pull(controller: ReadableStreamDefaultController<Uint8Array>): Promise<void> {
    if (this.#use === 'collected')
      throw new HttpUsageError('ERR_HTTP_BODY_USED', 'a request body can be read once');
    this.#use = 'streamed';
    const { done, value } = await this.#pieces.next();
    if (done === true) controller.close();
    else controller.enqueue(value);
  }

  /** Not waited for: a generator that waits for a piece leaves when that has come. */
  #leave(): void {
    if (this.#use === 'untouched') this.#use = 'streamed';
    void this.#pieces.return();
  }
}
