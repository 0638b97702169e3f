/**
 * How many requests a connection has handled in a row, and the turn that others get after so many.
 *
 * Rule: pipelined requests of one peer keep nobody else waiting, timers and other work of the process included.
 */

export class TurnShare {
  /** Requests that were read in all. */
  requests = 0;
  #before = 0;

  /** The connection has a turn of its own: what it handles counts from here. */
  begin(): void {
    this.#before = this.requests;
  }

  isUsedUp(pipelinedRequests: number): boolean {
    return this.requests - this.#before >= pipelinedRequests;
  }

  /** Calls `goOn` when others had their turn. */
  yieldTo(goOn: () => void): void {
    setImmediate(() => {
      this.begin();
      goOn();
    });
  }
}
