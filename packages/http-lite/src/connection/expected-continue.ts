/**
 * Whether the client of the current request waits for 100 Continue before it sends its body (RFC 9110 §10.1.1).
 *
 * Rule: it is told once, and never behind the head of the answer, which stands for it.
 */
import type { Connection } from '@sluice/reactor';
import { CONTINUE } from '../response/interim-response.ts';
import type { ServedResponse } from '../response/response.ts';

/**
 * - `none`: it does not, or not any more. To `awaited`, by the next request with a body.
 * - `awaited`: it does, and has sent nothing of its body. To `none`, when it is told, sends something, or when its answer
 *   has begun and somebody waits for its body all the same.
 */
type Continuing = 'none' | 'awaited';

export class ExpectedContinue {
  #state: Continuing = 'none';

  get isAwaited(): boolean {
    return this.#state === 'awaited';
  }

  /** A request with a body has begun. */
  begin(state: Continuing): void {
    this.#state = state;
  }

  /** The body is owed from here on, told or not. */
  settle(): void {
    this.#state = 'none';
  }

  /** Tells the client to go on, if it waits for that and may be told. Whether it was. */
  tell(connection: Connection, response: ServedResponse | undefined): boolean {
    if (this.#state === 'none' || response?.phase !== 'idle') return false;
    this.#state = 'none';
    connection.write(CONTINUE, 'latin1');
    return true;
  }
}
