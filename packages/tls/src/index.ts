/** @sluice/tls: how bytes are sealed. The public face of the package. */
export { type TlsClientOptions, tlsClient } from './client-transport.ts';
export { type TlsInfo, tlsInfo } from './connection-info.ts';
export type { Pem, TlsVersions } from './context-options.ts';
export { TlsContextError, type TlsContextErrorCode, TlsError, type TlsErrorCode } from './errors.ts';
export { readPemFile } from './pem-file.ts';
export { type TlsOptions, tls } from './server-transport.ts';
