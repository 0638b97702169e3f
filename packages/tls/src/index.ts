/** @sluice/tls: how bytes are sealed. The public face of the package. */
// For what it adds to every connection.
import './tls-connection.ts';

export { type TlsClientOptions, type TlsClientTransport, tlsClient } from './client-transport.ts';
export type { Pem, SessionStats, TlsVersions } from './context-options.ts';
export {
  TlsContextError,
  type TlsContextErrorCode,
  TlsError,
  type TlsErrorCode,
  TlsUsageError,
  type TlsUsageErrorCode,
} from './errors.ts';
export { readPemFile } from './pem-file.ts';
export { type TlsOptions, type TlsServerTransport, tls } from './server-transport.ts';
export { type TicketKeys, type TicketKeysOptions, ticketKeys } from './ticket-keys.ts';
export type { TlsConnection } from './tls-connection.ts';
