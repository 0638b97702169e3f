/**
 * `conn.tls`: what TLS settled on a connection, and what can be asked of it.
 *
 * Rule: here only words; whatever changes the state of a session goes through its transport.
 */
import { X509Certificate } from 'node:crypto';
import type { NativeTlsInfo } from '@sluice/core-native';
import { extendConnections, type Transport } from '@sluice/reactor';
import { TlsOrPlainTransport } from './tls-or-plain.ts';
import { TlsTransport } from './tls-transport.ts';

/** What TLS settled on one connection. There from `onOpen` on, or from `onUpgraded`. */
export interface TlsConnection extends NativeTlsInfo {
  /** From the first step of the handshake to the last, waiting for the peer included. */
  readonly handshakeMs: number;
  /** The peer's certificate; undefined when it presented none. Parsed anew at each call. */
  peerCertificate(): X509Certificate | undefined;
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
  if (transport?.info === undefined || transport.handshakeMs === undefined) return undefined;
  return {
    ...transport.info,
    handshakeMs: transport.handshakeMs,
    peerCertificate: () => {
      const [leaf] = transport.peerCertificates;
      return leaf === undefined ? undefined : new X509Certificate(leaf);
    },
  };
});

/** The TLS that `transport` is, or has become. */
function sealing(transport: Transport): TlsTransport | undefined {
  const chosen = transport instanceof TlsOrPlainTransport ? transport.chosen : transport;
  return chosen instanceof TlsTransport ? chosen : undefined;
}
