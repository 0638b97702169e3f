/**
 * What a server runs on, or is: a Node, Bun, nginx.
 *
 * Rule: one that cannot be had is told with the reason, and everybody else is measured all the same.
 */
export interface Runtime {
  /** Resolves when it can be started. Rejects with `BenchError`, in words for the report, when it cannot be had. */
  find(): Promise<FoundRuntime>;
}

export interface FoundRuntime {
  /** Path of the program that is started. */
  readonly program: string;
  /** What exactly it is, as the report tells it. */
  readonly version: string;
}
