/**
 * The errors of this package: what is wrong with a configuration (`TlsContextError`) and with a connection (`TlsError`).
 *
 * Rule: the code is ours and stable; what OpenSSL said stands beside it, in `reason` and `stack`, never instead of it.
 */
import type { NativeFailure } from '@sluice/core-native';
import { SluiceError } from '@sluice/reactor';

export type TlsContextErrorCode =
  | 'ERR_TLS_CERTIFICATE'
  | 'ERR_TLS_KEY'
  | 'ERR_TLS_KEY_MISMATCH'
  | 'ERR_TLS_PASSPHRASE'
  | 'ERR_TLS_CIPHERS'
  | 'ERR_TLS_GROUPS'
  | 'ERR_TLS_TRUST_ANCHORS'
  | 'ERR_TLS_OPTION'
  | 'ERR_TLS_FILE';

const CONTEXT_ADVICE: Readonly<Record<TlsContextErrorCode, string>> = {
  ERR_TLS_CERTIFICATE: "cert must be the PEM text of the server's certificate, followed by its issuers",
  ERR_TLS_KEY: 'key must be the PEM text of a private key',
  ERR_TLS_KEY_MISMATCH:
    'cert and key do not belong together: the first certificate of cert must be made for this key',
  ERR_TLS_PASSPHRASE: 'the key is encrypted: give its passphrase',
  ERR_TLS_CIPHERS: 'check ciphers (TLS 1.2) and cipherSuites (TLS 1.3) with: openssl ciphers -v',
  ERR_TLS_GROUPS: 'check groups; known ones are for instance X25519MLKEM768, X25519, P-256',
  ERR_TLS_TRUST_ANCHORS: 'ca must be the PEM text of one certificate or more',
  ERR_TLS_OPTION: 'check the options against the documentation of this package',
  ERR_TLS_FILE: 'check the path and its permissions',
};

/** A TLS configuration cannot be used. Thrown where it is made, before anything listens or connects. */
export class TlsContextError extends SluiceError {
  declare readonly code: TlsContextErrorCode;

  constructor(code: TlsContextErrorCode, reason: string, options?: ErrorOptions) {
    super(code, `${reason}: ${CONTEXT_ADVICE[code]}.`, options);
  }
}

/** What the addon threw, as an error of this package; anything else is passed on as it is. */
export function contextError(thrown: unknown): Error {
  if (!(thrown instanceof Error)) return new Error(String(thrown));
  const { code, message } = thrown as Error & { code?: string };
  return isContextCode(code) ? new TlsContextError(code, message, { cause: thrown }) : thrown;
}

function isContextCode(code: string | undefined): code is TlsContextErrorCode {
  return code !== undefined && code in CONTEXT_ADVICE;
}

export type TlsErrorCode =
  | 'ERR_TLS_HTTP_REQUEST'
  | 'ERR_TLS_NOT_TLS'
  | 'ERR_TLS_VERSION'
  | 'ERR_TLS_NO_SHARED_CIPHER'
  | 'ERR_TLS_ALPN'
  | 'ERR_TLS_VERIFY'
  | 'ERR_TLS_HOSTNAME'
  | 'ERR_TLS_ALERT'
  | 'ERR_TLS_TRUNCATED'
  | 'ERR_TLS_PROTOCOL';

/** A TLS connection failed. */
export class TlsError extends SluiceError {
  declare readonly code: TlsErrorCode;
  /** OpenSSL's words for it. */
  readonly reason: string;
  /** OpenSSL's whole error stack, oldest first. */
  readonly opensslStack: readonly string[];

  constructor(code: TlsErrorCode, message: string, failure: Pick<NativeFailure, 'reason' | 'stack'>) {
    super(code, message);
    this.reason = failure.reason;
    this.opensslStack = failure.stack;
  }
}

export type TlsUsageErrorCode = 'ERR_TLS_KEY_UPDATE' | 'ERR_TLS_EXPORT' | 'ERR_TLS_CLOSED';

/** `conn.tls` was asked for something that the connection cannot do, at least not now. Nothing has happened to it. */
export class TlsUsageError extends SluiceError {
  declare readonly code: TlsUsageErrorCode;

  constructor(code: TlsUsageErrorCode, message: string, options?: ErrorOptions) {
    super(code, message, options);
  }
}

/** Runs a call of `conn.tls`; what the addon refuses is thrown as an error of this package. */
export function askSession<T>(call: () => T): T {
  try {
    return call();
  } catch (thrown) {
    throw thrown instanceof Error ? sessionUsageError(thrown) : thrown;
  }
}

function sessionUsageError(thrown: Error & { readonly code?: string }): Error {
  const { code, message } = thrown;
  const options = { cause: thrown };
  if (code === 'ERR_TLS_KEY_UPDATE' || code === 'ERR_TLS_EXPORT') {
    return new TlsUsageError(code, `${message}.`, options);
  }
  if (code !== 'ERR_CLOSED') return thrown;
  return new TlsUsageError('ERR_TLS_CLOSED', 'The connection is closed: ask while it is open.', options);
}

/** SSL_AD_REASON_OFFSET (ssl.h): reasons from here on are alerts that the peer sent. */
const ALERT_OFFSET = 1000;

/** Reason numbers of OpenSSL's ssl library (sslerr.h) that have a cause which a person can act on. */
const KNOWN: ReadonlyMap<number, readonly [TlsErrorCode, string]> = new Map([
  [155, ['ERR_TLS_HTTP_REQUEST', 'The peer asked for a proxy (CONNECT) in plain HTTP on a TLS port']],
  [156, ['ERR_TLS_HTTP_REQUEST', 'The peer sent plain HTTP to a TLS port: use https:// in the URL']],
  [193, ['ERR_TLS_NO_SHARED_CIPHER', 'The peer offers no cipher suite that is enabled here']],
  [235, ['ERR_TLS_ALPN', 'The peer offers no application protocol (ALPN) that is served here']],
  [258, ['ERR_TLS_VERSION', 'The peer offers no TLS version that is enabled here']],
  [267, ['ERR_TLS_NOT_TLS', 'The peer sent something that is not TLS']],
  [292, ['ERR_TLS_NOT_TLS', 'The peer sent something that is not TLS']],
]);

/** The error of a failed call on a session. `verification` is what certificate verification said. */
export function sessionError(
  failure: NativeFailure,
  verification: { readonly ok: boolean; readonly name: string; readonly reason: string },
): TlsError {
  if (failure.kind === 'truncated') {
    const message =
      failure.call === 'SSL_do_handshake'
        ? 'The peer closed the connection before the handshake was complete.'
        : 'The peer closed the connection without close_notify: data may be missing at the end.';
    return new TlsError('ERR_TLS_TRUNCATED', message, failure);
  }
  if (failure.reason === 'certificate verify failed') return verificationError(failure, verification);
  const known = KNOWN.get(failure.reasonCode);
  if (known !== undefined) return new TlsError(known[0], `${known[1]} (${failure.reason}).`, failure);
  if (failure.reasonCode >= ALERT_OFFSET) {
    return new TlsError('ERR_TLS_ALERT', `The peer refused: it sent the alert '${failure.reason}'.`, failure);
  }
  return new TlsError('ERR_TLS_PROTOCOL', `TLS failed in ${failure.call}: ${failure.reason}.`, failure);
}

/** X.509 verification results (x509_vfy.h) that mean: a valid certificate, for somebody else. */
const OTHER_NAME = new Set(['HOSTNAME_MISMATCH', 'IP_ADDRESS_MISMATCH', 'EMAIL_MISMATCH']);

function verificationError(
  failure: NativeFailure,
  { name, reason }: { readonly name: string; readonly reason: string },
): TlsError {
  const short = name.replace(/^X509_V_ERR_/, '');
  if (OTHER_NAME.has(short)) {
    const message = `The peer's certificate is for another name (${reason}). Connect by a name that it carries, or give servername.`;
    return new TlsError('ERR_TLS_HOSTNAME', message, failure);
  }
  const message = `The peer's certificate does not verify: ${reason} (${short}). Give its issuer as ca if you trust it.`;
  return new TlsError('ERR_TLS_VERIFY', message, failure);
}
