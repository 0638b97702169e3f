/**
 * `conn.tls`: what TLS settled on a connection, and what can be asked of it.
 *
 * Rule: here only words; whatever changes the state of a session goes through its transport.
 */
import { extendConnections, type Transport } from '@sluice/reactor';
import { TlsOrPlainTransport } from './tls-or-plain.ts';
import type { TlsPeer } from './tls-peer.ts';
import { TlsTransport } from './tls-transport.ts';

/** What TLS settled on one connection. There from `onOpen` on, or from `onUpgraded`. */
export interface TlsConnection extends TlsPeer {
  /** From the first step of the handshake to the last, waiting for the peer included. */
  readonly handshakeMs: number;
}

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

extendConnections('tls', (connection) => {
  const transport = sealing(connection.transport);
  if (transport?.peer === undefined || transport.handshakeMs === undefined) return undefined;
  return { ...transport.peer, handshakeMs: transport.handshakeMs };
});

/** The TLS that `transport` is, or has become. */
function sealing(transport: Transport): TlsTransport | undefined {
  const chosen = transport instanceof TlsOrPlainTransport ? transport.chosen : transport;
  return chosen instanceof TlsTransport ? chosen : undefined;
}
