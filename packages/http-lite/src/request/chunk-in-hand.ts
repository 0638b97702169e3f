/**
 * The chunk that is being read, and how far it belongs to what was read before.
 *
 * Rule: nothing of it is kept here: it is borrowed, and gone when the loop that reads it has returned.
 */
import { Buffer } from 'node:buffer';

const NOTHING: Buffer = Buffer.alloc(0);

export class ChunkInHand {
  #bytes = NOTHING;
  /** Where the next request begins, as far as is known. */
  #at = 0;
  /** The loop that reads it is on the stack; it will go on by itself. */
  isRead = false;

  begin(chunk: Buffer): void {
    this.#bytes = chunk;
    this.#at = chunk.length;
    this.isRead = true;
  }

  /** A request, as far as it is here, ends at `at`. */
  requestEnds(at: number): void {
    this.#at = at;
  }

  /** All of it is of the current request, as far as is known. */
  isOfRequest(): void {
    this.#at = this.#bytes.length;
  }

  end(): void {
    this.#bytes = NOTHING;
    this.#at = 0;
    this.isRead = false;
  }

  /** It goes on behind the request that was just read. */
  get hasMore(): boolean {
    return this.#at < this.#bytes.length;
  }

  /** What it has behind that request: borrowed. */
  get rest(): Buffer {
    return this.#bytes.subarray(this.#at);
  }
}
