/** What `listen` answers: one listening socket and the connections accepted from it, seen from outside. */
import type { SocketAddress } from '@sluice/core-native';
import type { ShutdownReport } from './drain.ts';

/** One listening socket, and the connections accepted from it. */
export interface Server extends AsyncDisposable {
  /** Where it listens; the port that the kernel chose when 0 was asked for. Undefined once the socket is closed. */
  address(): SocketAddress | undefined;
  /** Connections accepted here and not closed yet. */
  readonly connections: number;
  /** Leaves newcomers in the kernel's backlog, until {@link resume}. Open connections go on. */
  pause(): void;
  /** Accepts again, those first that came meanwhile. */
  resume(): void;
  /**
   * Stops listening without losing who has come already: the backlog is served, for a tenth of a second, then every connection
   * asked to leave (`onShutdown`), and destroyed if it has not when `deadlineMs` (default 10 s) have passed. With less than
   * 200 ms all are asked at once. Again gives the same answer.
   */
  close(options?: { deadlineMs?: number }): Promise<ShutdownReport>;
  /** As `close()`: for `await using`. */
  [Symbol.asyncDispose](): Promise<void>;
}
