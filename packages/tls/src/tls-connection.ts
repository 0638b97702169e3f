/**
 * `conn.tls`: what TLS settled on a connection, and what can be asked of it.
 *
 * Rule: here only words; whatever changes the state of a session goes through its transport.
 */
import { X509Certificate } from 'node:crypto';
import type { NativeTlsInfo } from '@sluice/core-native';
import { extendConnections } from '@sluice/reactor';
import { TlsTransport } from './tls-transport.ts';

/** What TLS settled on one connection. There from `onOpen` on. */
export interface TlsConnection extends NativeTlsInfo {
  /** The peer's certificate; undefined when it presented none. Parsed anew at each call. */
  peerCertificate(): X509Certificate | undefined;
  /**
   * A client's session as it could be resumed now, for `tlsClient({ session })`: with TLS 1.3 as soon as a ticket has come,
   * mostly with the first data. Undefined before, and for a server. Whoever has it can go on in this client's name.
   */
  session(): Buffer | undefined;
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

extendConnections('tls', ({ transport }) => {
  if (!(transport instanceof TlsTransport) || transport.info === undefined) return undefined;
  return {
    ...transport.info,
    peerCertificate: () => {
      const [leaf] = transport.peerCertificates;
      return leaf === undefined ? undefined : new X509Certificate(leaf);
    },
    session: () => transport.exportSession(),
  };
});
