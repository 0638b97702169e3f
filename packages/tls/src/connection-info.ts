/** What TLS settled on a connection, asked from outside the transport. */
import { X509Certificate } from 'node:crypto';
import type { NativeTlsInfo } from '@sluice/core-native';
import type { Connection } from '@sluice/reactor';
import { TlsTransport } from './tls-transport.ts';

export interface TlsInfo extends NativeTlsInfo {
  /** The peer's certificate; undefined when it presented none. Parsed anew at each call. */
  peerCertificate(): X509Certificate | undefined;
}

/** What TLS settled on `connection`; undefined when its bytes are not sealed by this package. */
export function tlsInfo(connection: Connection<never> | Connection): TlsInfo | undefined {
  const { transport } = connection;
  if (!(transport instanceof TlsTransport) || transport.info === undefined) return undefined;
  return {
    ...transport.info,
    peerCertificate: () => {
      const [leaf] = transport.peerCertificates;
      return leaf === undefined ? undefined : new X509Certificate(leaf);
    },
  };
}
