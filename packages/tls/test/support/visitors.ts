/** Clients that come for a certificate: shake hands in full, are echoed, and leave. */
import { once } from 'node:events';
import { connect } from 'node:tls';
import type { Connection, Protocol, Reactor } from '@sluice/reactor';
import { type TlsClientOptions, tlsClient } from '@sluice/tls';

export type Version = 'TLSv1.2' | 'TLSv1.3';

/** Visits by one name; answers the subject of the certificate that was shown. Rejects when anything fails. */
export type Visit = (servername: string) => Promise<string>;

const PING = 'ping';

export function nodeVisitor(port: number, ca: string, version: Version): Visit {
  return async (servername) => {
    const options = { ca, servername, minVersion: version, maxVersion: version };
    const socket = connect({ host: '127.0.0.1', port, ...options });
    await once(socket, 'secureConnect');
    const { CN } = socket.getPeerCertificate().subject;
    socket.write(PING);
    const [heard] = (await once(socket, 'data')) as [Buffer];
    if (heard.toString() !== PING) throw new Error(`heard ${heard.toString()}`);
    const closed = once(socket, 'close');
    socket.end();
    await closed;
    return `CN=${String(CN)}`;
  };
}

/** With `sessionCacheSize: 0` in `more` every handshake is a full one. */
export function ourVisitor(
  reactor: Reactor,
  port: number,
  ca: string,
  version: Version,
  more: TlsClientOptions = {},
): Visit {
  const options = { ca, minVersion: version, maxVersion: version, ...more };
  const transports = new Map<string, ReturnType<typeof tlsClient>>();
  return async (servername) => {
    const transport = transports.get(servername) ?? tlsClient({ ...options, servername });
    transports.set(servername, transport);
    return new Promise((resolve, reject) => {
      let subject = '';
      const visiting: Protocol = {
        onOpen(conn: Connection) {
          subject = conn.tls?.peerCertificate()?.subject ?? '';
          conn.write(PING);
        },
        onData: (conn) => conn.close(),
        onClose(_conn, reason, cause) {
          if (reason === 'clean') resolve(subject);
          else reject(cause);
        },
      };
      reactor.connect({ host: '127.0.0.1', port, transport }, visiting).catch(reject);
    });
  };
}
