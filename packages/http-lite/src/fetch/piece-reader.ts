/**
 * The pieces of a stream of the web, and whether the next one is there already.
 *
 * Rule: one piece is asked for at a time, and none is lost.
 */
import { types } from 'node:util';
import { unsendable } from '../errors.ts';

/**
 * How many turns of the microtask queue a stream has to come forward with what it has. One over text or bytes needs 2 or 3;
 * one that waits for anything outside needs more than any number of them.
 */
const TURNS = 16;

/** - `none`: not asked for. - `asked`: on its way. - `here`: came; undefined is the end. - `failed`: none will come. */
type Next = 'none' | 'asked' | 'here' | 'failed';

export class PieceReader {
  readonly #reader: ReadableStreamDefaultReader<unknown>;
  #next: Next = 'none';
  #piece: Uint8Array | undefined;
  #failure: unknown;
  #wake: (() => void) | undefined;

  constructor(reader: ReadableStreamDefaultReader<unknown>) {
    this.#reader = reader;
  }

  /**
   * The next piece; undefined at the end.
   *
   * @throws HttpUsageError `ERR_HTTP_FETCH_RESPONSE` for one that is not of bytes, and what the stream errors with.
   */
  async next(): Promise<Uint8Array | undefined> {
    if (this.#next === 'none') this.#ask();
    if (this.#next === 'asked') {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    if (this.#next === 'failed') throw this.#failure;
    this.#next = 'none';
    return this.#piece;
  }

  /** Whether {@link next} has a result without waiting for anything. No timer: what comes later is not held up. */
  async comesAtOnce(): Promise<boolean> {
    if (this.#next === 'none') this.#ask();
    for (let turn = 0; turn < TURNS && this.#next === 'asked'; turn++) await undefined;
    return this.#next !== 'asked';
  }

  #ask(): void {
    this.#next = 'asked';
    this.#reader.read().then(this.#came, this.#failed);
  }

  readonly #came = ({ done, value }: { readonly done: boolean; readonly value?: unknown }): void => {
    if (done || types.isUint8Array(value)) {
      this.#piece = done ? undefined : (value as Uint8Array);
      this.#settle('here');
    } else {
      this.#failed(
        unsendable(
          `the body of the Response is a stream of ${typeof value}, and has to be one of Uint8Array`,
        ),
      );
    }
  };

  readonly #failed = (failure: unknown): void => {
    this.#failure = failure;
    this.#settle('failed');
  };

  #settle(next: 'here' | 'failed'): void {
    this.#next = next;
    this.#wake?.();
    this.#wake = undefined;
  }
}
