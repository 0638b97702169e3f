/** What `listen` answers: one listening socket, seen from outside. */
import type { SocketAddress } from '@sluice/core-native';

export interface Server {
  /** Where it listens; the port that the kernel chose when 0 was asked for. Undefined once it is closed. */
  address(): SocketAddress | undefined;
  /** Connections accepted here and not closed yet. */
  readonly connections: number;
  /** Stops accepting; open connections live on. Twice is harmless. */
  close(): void;
}
