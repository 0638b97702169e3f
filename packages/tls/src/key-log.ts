/**
 * The key log: secrets of connections for a debugger, in the format of SSLKEYLOGFILE.
 *
 * Rule: the listener runs between two calls into OpenSSL, never inside one, and what it throws harms nobody's connection.
 */
import type { NativeTlsSession } from '@sluice/core-native';

/** Gets each line, without a line end. */
export type KeyLogListener = (line: string) => void;

/** Tells the lines that have come since this was last called. */
export function tellKeys(session: NativeTlsSession, onKeyLog: KeyLogListener): void {
  // The failure that the call before may tell of has to be asked for before anything else happens on this thread.
  for (const line of session.takeKeyLog()) queueMicrotask(() => onKeyLog(line));
}
