/**
 * What other packages add to every connection: `conn.tls` comes from @sluice/tls, and the reactor knows no TLS.
 *
 * Rule: an extension is a getter that is computed from the connection; it is optional in the type, since the package that
 * brings it may not be loaded.
 */
import { ReactorConnection } from './connection.ts';
import type { Connection } from './connection-contract.ts';

/**
 * Gives all connections of this thread a property. Its type comes by declaration merging:
 *
 * ```ts
 * declare module '@sluice/reactor' {
 *   interface Connection<State> {
 *     readonly tls?: TlsConnection;
 *   }
 * }
 * extendConnections('tls', (conn) => …);
 * ```
 *
 * To be called once for each name, when the package is loaded; a second time replaces the first.
 */
export function extendConnections<Name extends string & keyof Connection>(
  name: Name,
  get: (connection: Connection) => Connection[Name],
): void {
  Object.defineProperty(ReactorConnection.prototype, name, {
    configurable: true,
    get(this: Connection) {
      return get(this);
    },
  });
}
