/** What a slot of the reactor holds: a connection or a listener, woken by edges and from the ready list. */
export interface Pollable {
  readonly slot: number;
  readonly generation: number;
  /** An edge: Ready bits of one event. */
  onEdge(ready: number): void;
  /** Its turn on the ready list: go on with what an earlier turn left. */
  onTurn(): void;
  /** The reactor shuts down: leave in order, losing nothing. */
  onShutdown(): void;
  /** Leave now, whatever is lost. */
  destroy(error?: Error): void;
}
