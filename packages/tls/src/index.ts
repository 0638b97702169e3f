/** @sluice/tls: how bytes are sealed. The public face of the package. */
// For what it adds to every connection.
import './tls-connection.ts';

export type { ClientHelloHook, HelloAnswer } from './asking-transport.ts';
export type { ClientHello, Codepoint } from './client-hello.ts';
export { type TlsClientOptions, tlsClient } from './client-transport.ts';
export type { Pem, TlsVersions } from './context-options.ts';
export { TlsContextError, type TlsContextErrorCode, TlsError, type TlsErrorCode } from './errors.ts';
export { readPemFile } from './pem-file.ts';
export { type TlsAlert, TlsRefusedError } from './refusal.ts';
export {
  type TlsOptions,
  type TlsServerSettings,
  type TlsServerTransport,
  tls,
  tlsContext,
} from './server-transport.ts';
export { SniContexts, type SniOptions, sniContexts } from './sni.ts';
export type { TlsConnection } from './tls-connection.ts';
export type { TlsContext } from './tls-context.ts';
export {
  type PemFiles,
  type PemPair,
  type PemWatcher,
  type PemWatchOptions,
  watchPemFiles,
} from './watch-pem-files.ts';
