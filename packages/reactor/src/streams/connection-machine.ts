/**
 * What streams do with a connection beyond its contract.
 *
 * Rule: a connection of somebody else's making has none of it, and whoever asks says what is done then.
 */
import { ReactorConnection } from '../connection.ts';
import type { Connection } from '../connection-contract.ts';

/** The machine behind `conn`; undefined where that is something else that keeps the contract. */
export function machineOf(conn: Connection): ReactorConnection<unknown> | undefined {
  return conn instanceof ReactorConnection ? conn : undefined;
}

/** Reports what code threw that runs for a hook, but later. Answers it as an error: what the connection, if it is left, ends with. */
export function reportThrown(conn: Connection, thrown: unknown): Error {
  const error = thrown instanceof Error ? thrown : new Error(`A handler threw ${String(thrown)}`);
  machineOf(conn)?.report(error);
  return error;
}
