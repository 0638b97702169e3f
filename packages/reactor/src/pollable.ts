/** What a slot of the reactor holds: a connection or a listener, woken by edges and from the ready list. */
export interface Pollable {
  readonly slot: number;
  /** Whose end it shares: the listener that accepted it, or itself when it is one. Undefined when it was not accepted. */
  readonly listener: object | undefined;
  /** Of a listener that shuts down: newcomers get no answer, while TCP handshakes that had begun are completed. */
  readonly refuses?: boolean;
  /**
   * What to read from ahead of an edge with these Ready bits, together with others; `NOT_BATCHED` when it reads for
   * itself.
   */
  receivesFrom(ready: number): number;
  /** That was done: what came has this seat among the arrivals. The edge follows in the same batch. */
  onArrival(seat: number): void;
  /** An edge: Ready bits of one event. */
  onEdge(ready: number): void;
  /** Its turn on the ready list: go on with what an earlier turn left. */
  onTurn(): void;
  /** The reactor shuts down, or the server does: leave in order, losing nothing. */
  onShutdown(): void;
  /** It has not left in time: leave now. */
  onShutdownDeadline(deadlineMs: number): void;
  /** Leave now, whatever is lost. */
  destroy(error?: Error): void;
}
