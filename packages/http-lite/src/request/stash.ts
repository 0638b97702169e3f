/**
 * Bytes of further requests that came while an answer was going on, as copies, in order.
 *
 * Rule: what is taken out is never copied again.
 */

/** What a kept chunk costs beside its bytes. */
const CHUNK_OVERHEAD_BYTES = 128;

export class Stash {
  /** Memory held. */
  bytes = 0;
  #chunks: Buffer[] = [];

  get isEmpty(): boolean {
    return this.#chunks.length === 0;
  }

  /** Keeps a copy of a borrowed chunk from `from` on. */
  keep(chunk: Buffer, from: number): void {
    const copy = Buffer.from(chunk.subarray(from));
    this.#chunks.push(copy);
    this.bytes += copy.length + CHUNK_OVERHEAD_BYTES;
  }

  /** The oldest chunk, which leaves the stash. */
  take(): Buffer | undefined {
    const chunk = this.#chunks.shift();
    if (chunk !== undefined) this.bytes -= chunk.length + CHUNK_OVERHEAD_BYTES;
    return chunk;
  }

  /** Puts the unread rest of what was taken back in front. */
  putBack(rest: Buffer): void {
    this.#chunks.unshift(rest);
    this.bytes += rest.length + CHUNK_OVERHEAD_BYTES;
  }

  clear(): void {
    this.#chunks = [];
    this.bytes = 0;
  }
}
