/**
 * The errors of this package: what is wrong with a configuration (`TlsContextError`) and with a connection (`TlsError`).
 *
 * Rule: the code is ours and stable; what OpenSSL said stands beside it, in `reason` and `stack`, never instead of it.
 */
import type { NativeFailure, NativeVerification } from '@sluice/core-native';
import { SluiceError } from '@sluice/reactor';
import { type VerificationErrorCode, verificationCause } from './verification-causes.ts';

export type TlsContextErrorCode =
  | 'ERR_TLS_CERTIFICATE'
  | 'ERR_TLS_KEY'
  | 'ERR_TLS_KEY_MISMATCH'
  | 'ERR_TLS_PASSPHRASE'
  | 'ERR_TLS_PKCS12'
  | 'ERR_TLS_IDENTITIES'
  | 'ERR_TLS_WEAK_CERTIFICATE'
  | 'ERR_TLS_CERTIFICATE_DATES'
  | 'ERR_TLS_CHAIN'
  | 'ERR_TLS_OCSP_STAPLE'
  | 'ERR_TLS_CIPHERS'
  | 'ERR_TLS_GROUPS'
  | 'ERR_TLS_TRUST_ANCHORS'
  | 'ERR_TLS_CRLS'
  | 'ERR_TLS_OPTION'
  | 'ERR_TLS_FILE';

const CONTEXT_ADVICE: Readonly<Record<TlsContextErrorCode, string>> = {
  ERR_TLS_CERTIFICATE: "cert must be the PEM text of the server's certificate, followed by its issuers",
  ERR_TLS_KEY: 'key must be the PEM text of a private key',
  ERR_TLS_KEY_MISMATCH:
    'cert and key do not belong together: the first certificate of cert must be made for this key',
  ERR_TLS_PASSPHRASE: 'the key is encrypted: give its passphrase',
  ERR_TLS_PKCS12:
    'pkcs12 must be the bytes of a file with a certificate and its key, as openssl pkcs12 -export makes it (without -legacy)',
  ERR_TLS_IDENTITIES: 'give one identity for each kind of key, an ECDSA and an RSA one for instance',
  ERR_TLS_WEAK_CERTIFICATE:
    'make one with a larger key and SHA-256 or better, or lower securityLevel if you must',
  ERR_TLS_CERTIFICATE_DATES: 'give one that is valid now, and check the clock of this machine',
  ERR_TLS_CHAIN: 'cert must hold the certificate first, then its issuer, then the issuer of that one',
  ERR_TLS_OCSP_STAPLE:
    'ocspStaple must be the DER of a response for this certificate, as openssl ocsp -respout writes it',
  ERR_TLS_CIPHERS: 'check ciphers (TLS 1.2) and cipherSuites (TLS 1.3) with: openssl ciphers -v',
  ERR_TLS_GROUPS: 'check groups; known ones are for instance X25519MLKEM768, X25519, P-256',
  ERR_TLS_TRUST_ANCHORS: 'ca must be the PEM text of one certificate or more',
  ERR_TLS_CRLS: 'crls must be the PEM text of one certificate revocation list or more',
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
  return isContextCode(code) ? new TlsContextError(code, inOurWords(message), { cause: thrown }) : thrown;
}

/** Options whose native name is another one. */
const OUR_NAMES: Readonly<Record<string, string>> = {
  certificateChain: 'cert',
  privateKey: 'key',
  trustAnchors: 'ca',
};

/** A message of the addon, with the names that our options have. */
function inOurWords(message: string): string {
  return message.replace(
    /"(identities\[\d+\]\.)?(certificateChain|privateKey|trustAnchors)/g,
    (_match, path: string | undefined, name: string) => `"${path ?? ''}${OUR_NAMES[name]}`,
  );
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
  | VerificationErrorCode
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

  constructor(
    code: TlsErrorCode,
    message: string,
    failure: Pick<NativeFailure, 'reason' | 'stack'>,
    options?: ErrorOptions,
  ) {
    super(code, message, options);
    this.reason = failure.reason;
    this.opensslStack = failure.stack;
  }
}

/** SSL_AD_REASON_OFFSET (ssl.h): reasons from here on are alerts that the peer sent. */
const ALERT_OFFSET = 1000;

/** Reason numbers of OpenSSL's ssl library (sslerr.h) that have a cause which a person can act on. */
const KNOWN: ReadonlyMap<number, readonly [TlsErrorCode, string]> = new Map([
  [155, ['ERR_TLS_HTTP_REQUEST', 'The peer asked for a proxy (CONNECT) in plain HTTP on a TLS port']],
  [156, ['ERR_TLS_HTTP_REQUEST', 'The peer sent plain HTTP to a TLS port: use https:// in the URL']],
  [193, ['ERR_TLS_NO_SHARED_CIPHER', 'The peer offers no cipher suite that is enabled here']],
  [199, ['ERR_TLS_NO_CERTIFICATE', 'The peer presented no certificate, and one is required here']],
  [235, ['ERR_TLS_ALPN', 'The peer offers no application protocol (ALPN) that is served here']],
  [258, ['ERR_TLS_VERSION', 'The peer offers no TLS version that is enabled here']],
  [267, ['ERR_TLS_NOT_TLS', 'The peer sent something that is not TLS']],
  [292, ['ERR_TLS_NOT_TLS', 'The peer sent something that is not TLS']],
]);

/** What an alert about certificates (RFC 8446 section 6.2) says to whoever receives it. */
const OUR_CERTIFICATE: ReadonlyMap<number, string> = new Map([
  [42, 'It does not accept our certificate: check cert and its chain.'],
  [43, 'It does not take certificates of this kind: check cert.'],
  [44, 'To it our certificate is revoked: get another one.'],
  [45, 'To it our certificate has expired: renew it, and check the clocks.'],
  [46, 'It does not accept our certificate: check cert and its chain.'],
  [
    48,
    'It does not trust the issuer of our certificate: send the whole chain, or have it add the issuer to its ca.',
  ],
  [116, 'It requires a certificate of ours: give cert and key.'],
]);

/** The error of a failed call on a session. `verification` is what certificate verification said. */
export function sessionError(failure: NativeFailure, verification: NativeVerification): TlsError {
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
    const advice = OUR_CERTIFICATE.get(failure.reasonCode - ALERT_OFFSET);
    const refusal = `The peer refused: it sent the alert '${failure.reason}'.`;
    return new TlsError('ERR_TLS_ALERT', advice === undefined ? refusal : `${refusal} ${advice}`, failure);
  }
  return new TlsError('ERR_TLS_PROTOCOL', `TLS failed in ${failure.call}: ${failure.reason}.`, failure);
}

/** What is wrong with the certificate of a peer that was let go on without being authorized; undefined: it has none. */
export function authorizationError(verification: NativeVerification | undefined): TlsError {
  const { code, message } = verificationCause(verification);
  return new TlsError(code, message, { reason: verification?.reason ?? message, stack: [] });
}

function verificationError(failure: NativeFailure, verification: NativeVerification): TlsError {
  const { code, message } = verificationCause(verification);
  return new TlsError(code, message, failure);
}
