/** @sluice/tls: how bytes are sealed. The public face of the package. */
// For what it adds to every connection.
import './tls-connection.ts';

export type { TlsAlert } from './alerts.ts';
export type { ClientHelloHook, HelloAnswer } from './asking-transport.ts';
export type { ClientHello, Codepoint } from './client-hello.ts';
export { type TlsClientOptions, type TlsClientTransport, tlsClient } from './client-transport.ts';
export type { KeyLogOptions, Pem, SessionStats, TlsVersions } from './context-options.ts';
export { type TlsStats, tlsStats } from './counters.ts';
export type { TlsDiagnosticMessages } from './diagnostics.ts';
export type { EarlyDataOptions } from './early-data-options.ts';
export {
  TlsContextError,
  type TlsContextErrorCode,
  TlsError,
  type TlsErrorCode,
  type TlsErrorDetails,
  type TlsFault,
  TlsUsageError,
  type TlsUsageErrorCode,
} from './errors.ts';
export { checkIdentity } from './identity-check.ts';
export type { IdentityOptions, PemIdentity, Pkcs12Identity, TlsIdentity } from './identity-options.ts';
export type { KeyLogListener } from './key-log.ts';
export { keyLogFile } from './key-log-file.ts';
export type { VerifyPeer } from './peer-verification.ts';
export { readPemFileSync } from './pem-file.ts';
export type { ClientPsk, ServerPsk } from './psk-options.ts';
export { type TlsAlertName, TlsRefusedError } from './refusal.ts';
export type { RenegotiationLimit, RenegotiationOptions } from './renegotiation-options.ts';
export {
  type TlsContextOptions,
  type TlsOptions,
  type TlsServerSettings,
  type TlsServerTransport,
  tls,
  tlsContext,
} from './server-transport.ts';
export { SniContexts, type SniOptions, sniContexts } from './sni.ts';
export { type StartTlsOptions, startTls } from './start-tls.ts';
export { type TicketKeys, type TicketKeysOptions, ticketKeys } from './ticket-keys.ts';
export type { TlsConnection } from './tls-connection.ts';
export type { TlsContext } from './tls-context.ts';
export { type TlsOrPlainOptions, tlsOrPlain } from './tls-or-plain.ts';
export type { TlsPeer } from './tls-peer.ts';
export type { ClientCertificates, ServerTrustOptions, TrustOptions } from './trust-options.ts';
export type { VerificationErrorCode } from './verification-causes.ts';
export {
  type PemFiles,
  type PemPair,
  type PemWatcher,
  type PemWatchOptions,
  watchPemFiles,
} from './watch-pem-files.ts';
