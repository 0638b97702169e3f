/**
 * Who is open in a network in memory, and how who is not has closed.
 *
 * Rule: it listens to the diagnostics of the reactor, so that a protocol under test is called as it is, with nothing put
 * around it, and a connection that was handed on (`become`) is still known.
 */
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { Connection } from '../../connection-contract.ts';
import type { DiagnosticMessages } from '../../diagnostics.ts';
import type { CloseReason } from '../../protocol.ts';

/** How a connection closed. */
export interface Closing {
  readonly reason: CloseReason;
  readonly cause: Error | undefined;
}

export class OpenConnections {
  private readonly portOf: (fd: number) => number | undefined;
  private readonly closings = new WeakMap<Connection, Closing>();
  private readonly seen: { readonly connection: Connection; readonly peerPort: number }[] = [];

  /** `portOf`: the port of the peer of a descriptor of this network; of others, which are in this process too, undefined. */
  constructor(portOf: (fd: number) => number | undefined) {
    this.portOf = portOf;
    subscribe('sluice.connection.open', this.onOpen);
    subscribe('sluice.connection.close', this.onClose);
  }

  /** Those that are open now. */
  get open(): Connection[] {
    return this.all.filter(({ lifecycle }) => lifecycle !== 'closed');
  }

  /** Those that have ever been open, oldest first. */
  get all(): Connection[] {
    return this.seen.map(({ connection }) => connection);
  }

  /** The connection that was made from this port. Ports are one connection's for ever. */
  ofPort(port: number): Connection | undefined {
    return this.seen.find(({ peerPort }) => peerPort === port)?.connection;
  }

  /** How it closed; undefined while it is open. One whose `onOpen` threw is told of nowhere: its error was reported. */
  closingOf(connection: Connection): Closing | undefined {
    if (connection.lifecycle !== 'closed') return undefined;
    return this.closings.get(connection) ?? { reason: 'error', cause: undefined };
  }

  close(): void {
    unsubscribe('sluice.connection.open', this.onOpen);
    unsubscribe('sluice.connection.close', this.onClose);
  }

  private readonly onOpen = (message: unknown): void => {
    const { connection } = message as DiagnosticMessages['sluice.connection.open'];
    const peerPort = this.portOf(connection.transport.batchHandle ?? -1);
    if (peerPort !== undefined) this.seen.push({ connection, peerPort });
  };

  private readonly onClose = (message: unknown): void => {
    const { connection, reason, cause } = message as DiagnosticMessages['sluice.connection.close'];
    this.closings.set(connection, { reason, cause });
  };
}
