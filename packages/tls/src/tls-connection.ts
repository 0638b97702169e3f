/**
 * `conn.tls`: what TLS settled on a connection, and what can be asked of it.
 *
 * Rule: here only words; whatever changes the state of a session goes through its transport.
 */
import { extendConnections } from '@sluice/reactor';
import type { TlsPeer } from './tls-peer.ts';
import { TlsTransport } from './tls-transport.ts';

/** What TLS settled on one connection. There from `onOpen` on. */
export interface TlsConnection extends TlsPeer {}

declare module '@sluice/reactor' {
  // Its parameter has to be named as there.
  interface Connection<State> {
    /**
     * What TLS settled (`@sluice/tls`); undefined where the bytes are not sealed by it. After the end it is there only if
     * it was asked for before.
     */
    readonly tls?: TlsConnection;
  }
}

extendConnections('tls', ({ transport }) => {
  if (!(transport instanceof TlsTransport)) return undefined;
  const { peer } = transport;
  return peer === undefined ? undefined : { ...peer };
});
