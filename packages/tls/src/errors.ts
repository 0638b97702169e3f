/**
 * The errors of this package: what is wrong with a configuration (`TlsContextError`) and with a connection (`TlsError`).
 *
 * Rule: the code is ours and stable; what OpenSSL said stands beside it, in `reason` and `stack`, never instead of it.
 */
import type { NativeFailure, NativeVerification } from '@sluice/core-native';
import { SluiceError } from '@sluice/reactor';
import { alertOf, type TlsAlert } from './alerts.ts';
import { type VerificationErrorCode, verificationCause } from './verification-causes.ts';

/** Codes of {@link TlsContextError}. */
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
  | 'ERR_TLS_PSK'
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
  ERR_TLS_PSK: 'psk needs a key of 16 to 512 random bytes for each identity, as randomBytes(32) makes them',
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
  renegotiations: 'renegotiation',
};

/** A message of the addon, with the names that our options have. */
function inOurWords(message: string): string {
  return message.replace(
    /"(identities\[\d+\]\.)?(certificateChain|privateKey|trustAnchors|renegotiations)/g,
    (_match, path: string | undefined, name: string) => `"${path ?? ''}${OUR_NAMES[name]}`,
  );
}

function isContextCode(code: string | undefined): code is TlsContextErrorCode {
  return code !== undefined && code in CONTEXT_ADVICE;
}

/** Codes of {@link TlsError}, beside those of a certificate that does not verify. */
export type TlsErrorCode =
  | 'ERR_TLS_HTTP_REQUEST'
  | 'ERR_TLS_NOT_TLS'
  | 'ERR_TLS_VERSION'
  | 'ERR_TLS_NO_SHARED_CIPHER'
  | 'ERR_TLS_NO_SHARED_GROUP'
  | 'ERR_TLS_NO_SHARED_SIGNATURE'
  | 'ERR_TLS_ALPN'
  | 'ERR_TLS_UNRECOGNIZED_NAME'
  | VerificationErrorCode
  | 'ERR_TLS_ALERT'
  | 'ERR_TLS_TRUNCATED'
  | 'ERR_TLS_BAD_RECORD'
  | 'ERR_TLS_TOO_MANY_RECORDS'
  | 'ERR_TLS_TOO_MANY_KEY_UPDATES'
  | 'ERR_TLS_TOO_MANY_RENEGOTIATIONS'
  | 'ERR_TLS_RENEGOTIATION'
  | 'ERR_TLS_PSK_IDENTITY'
  | 'ERR_TLS_PSK_KEY'
  | 'ERR_TLS_PSK_REQUIRED'
  | 'ERR_TLS_KERNEL_KEYS'
  | 'ERR_TLS_EARLY_BYTES'
  | 'ERR_TLS_EARLY_DATA'
  | 'ERR_TLS_PROTOCOL';

/**
 * Where to look first: `peer`: what the other side sent, or did not · `configuration`: our settings, as the peer or
 * OpenSSL sees them · `system`: this machine, memory for instance. A failed system call is a `SystemError` instead.
 */
export type TlsFault = 'peer' | 'configuration' | 'system';

/** What is known of a failure beside OpenSSL's words. */
export interface TlsErrorDetails extends ErrorOptions {
  /** Default `peer`. */
  readonly fault?: TlsFault;
  readonly alert?: TlsAlert | undefined;
}

/** A TLS connection failed. */
export class TlsError extends SluiceError {
  declare readonly code: TlsErrorCode;
  /** OpenSSL's words for it. */
  readonly reason: string;
  /** OpenSSL's whole error stack, oldest first. */
  readonly opensslStack: readonly string[];
  /** OpenSSL's numbers for it (err.h, sslerr.h); 0 where it saw nothing wrong. */
  readonly library: number;
  readonly reasonCode: number;
  readonly fault: TlsFault;
  /** The alert that went out with it, or that was all the peer said; undefined where there was none. */
  readonly alert: TlsAlert | undefined;

  constructor(
    code: TlsErrorCode,
    message: string,
    failure: Pick<NativeFailure, 'reason' | 'stack'> & Partial<NativeFailure>,
    { fault = 'peer', alert, ...options }: TlsErrorDetails = {},
  ) {
    super(code, message, options);
    this.library = failure.library ?? 0;
    this.reasonCode = failure.reasonCode ?? 0;
    this.fault = fault;
    this.alert = alert;
    this.reason = failure.reason;
    this.opensslStack = failure.stack;
  }
}

/** Codes of {@link TlsUsageError}. */
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

/** OpenSSL's ssl library (err.h), the one whose reason numbers are listed below; another's mean something else. */
const SSL_LIBRARY = 20;
/** SSL_AD_REASON_OFFSET (ssl.h): reasons from here on are alerts that the peer sent. */
const ALERT_OFFSET = 1000;
/** Set in the reason numbers of OpenSSL (err.h) that mean: no memory, a broken invariant. */
const FATAL_FLAG = 1 << 18;
/** Our own words for what OpenSSL sees nothing wrong with (native/), and the codes for it. */
const ABUSES: Readonly<Record<string, TlsErrorCode>> = {
  'the peer sent too many records in a row without application data': 'ERR_TLS_TOO_MANY_RECORDS',
  'the peer updates its keys too often': 'ERR_TLS_TOO_MANY_KEY_UPDATES',
  'the peer renegotiates too often': 'ERR_TLS_TOO_MANY_RENEGOTIATIONS',
  'the peer became another one by renegotiation': 'ERR_TLS_RENEGOTIATION',
  'the application protocol became another one by renegotiation': 'ERR_TLS_RENEGOTIATION',
  'the peer renegotiated unsafely': 'ERR_TLS_RENEGOTIATION',
  'the peer ended its side in the middle of a renegotiation': 'ERR_TLS_RENEGOTIATION',
  'the peer offers no key (PSK) that is known here': 'ERR_TLS_PSK_IDENTITY',
  'the peer does not take the key (PSK) that it has to': 'ERR_TLS_PSK_REQUIRED',
  'the peer did not take the early data and speaks another application protocol': 'ERR_TLS_EARLY_DATA',
  'the kernel takes no new keys for a connection that it seals': 'ERR_TLS_KERNEL_KEYS',
};

interface Known {
  readonly code: TlsErrorCode;
  /** What happened, and where it helps what to do; OpenSSL's words follow in brackets. */
  readonly words: string;
  readonly fault?: TlsFault;
}

const HTTP_REQUEST = 'ERR_TLS_HTTP_REQUEST';
const NO_SHARED_VERSION = {
  code: 'ERR_TLS_VERSION',
  words: 'The peer offers no TLS version that is enabled here',
} as const;
const NO_SHARED_GROUP = {
  code: 'ERR_TLS_NO_SHARED_GROUP',
  words: 'The peer offers no key exchange group that is enabled here',
} as const;
const NOT_TLS = { code: 'ERR_TLS_NOT_TLS', words: 'The peer sent something that is not TLS' } as const;
const BAD_RECORD = {
  code: 'ERR_TLS_BAD_RECORD',
  words: 'A record does not open: its bytes were changed on the way, or the peer seals wrongly',
} as const;

/** Reason numbers of OpenSSL's ssl library (sslerr.h) that have a cause which a person can act on. */
const KNOWN: ReadonlyMap<number, Known> = new Map<number, Known>([
  [101, NO_SHARED_GROUP],
  [
    118,
    {
      code: 'ERR_TLS_NO_SHARED_SIGNATURE',
      words: 'The peer accepts no signature of our key: give it a certificate with a key of another kind',
      fault: 'configuration',
    },
  ],
  [155, { code: HTTP_REQUEST, words: 'The peer asked for a proxy (CONNECT) in plain HTTP on a TLS port' }],
  [156, { code: HTTP_REQUEST, words: 'The peer sent plain HTTP to a TLS port: use https:// in the URL' }],
  [164, { code: 'ERR_TLS_EARLY_DATA', words: 'The peer sent more early data than it was allowed to' }],
  [193, { code: 'ERR_TLS_NO_SHARED_CIPHER', words: 'The peer offers no cipher suite that is enabled here' }],
  [
    199,
    {
      code: 'ERR_TLS_NO_CERTIFICATE',
      words: 'The peer presented no certificate, and one is required here',
    },
  ],
  [223, { code: 'ERR_TLS_PSK_IDENTITY', words: 'The peer offers a key (PSK) that is not known here' }],
  [
    234,
    {
      code: 'ERR_TLS_UNRECOGNIZED_NAME',
      words: 'The peer asked for no server name that is served here',
    },
  ],
  [
    235,
    { code: 'ERR_TLS_ALPN', words: 'The peer offers no application protocol (ALPN) that is served here' },
  ],
  [258, NO_SHARED_VERSION],
  [
    253,
    {
      code: 'ERR_TLS_PSK_KEY',
      words: 'The key (PSK) of the peer is another one than ours of that identity',
    },
  ],
  [267, NOT_TLS],
  [281, BAD_RECORD],
  [292, NOT_TLS],
  [396, NO_SHARED_VERSION],
  [410, NO_SHARED_GROUP],
]);

/** Alerts of a session, by number, as the addon tells them. */
export interface AlertNumbers {
  readonly sent?: number;
  readonly received?: number;
}

/** The error of a failed call on a session. `verification` is what certificate verification said. */
export function sessionError(
  failure: NativeFailure,
  verification: NativeVerification,
  { sent, received }: AlertNumbers = {},
): TlsError {
  if (received !== undefined && failure.reasonCode === ALERT_OFFSET + received)
    return alertError(failure, received);
  const alert = sent === undefined ? undefined : alertOf(sent, 'sent').alert;
  if (failure.kind === 'truncated') return truncated(failure);
  if (failure.reason === 'certificate verify failed') return verificationError(failure, verification, alert);
  const abuse = ABUSES[failure.reason];
  if (abuse !== undefined) {
    const fault = abuse === 'ERR_TLS_KERNEL_KEYS' ? 'system' : 'peer';
    return new TlsError(abuse, `TLS was given up: ${failure.reason}.`, failure, { fault, alert });
  }
  const known = failure.library === SSL_LIBRARY ? KNOWN.get(failure.reasonCode) : undefined;
  if (known !== undefined) {
    const { code, words, fault = 'peer' } = known;
    return new TlsError(code, `${words} (${failure.reason}).`, failure, { fault, alert });
  }
  const fault = (failure.reasonCode & FATAL_FLAG) !== 0 ? 'system' : 'peer';
  const message = `TLS failed in ${failure.call}: ${failure.reason}.`;
  return new TlsError('ERR_TLS_PROTOCOL', message, failure, { fault, alert });
}

function truncated(failure: NativeFailure): TlsError {
  const message =
    failure.call === 'SSL_do_handshake' || failure.call === 'SSL_read_early_data'
      ? 'The peer closed the connection before the handshake was complete.'
      : 'The peer closed the connection without close_notify: data may be missing at the end.';
  return new TlsError('ERR_TLS_TRUNCATED', message, failure);
}

function alertError(failure: NativeFailure, number: number): TlsError {
  const { alert, fault, advice } = alertOf(number, 'received');
  const message = `The peer refused: it sent the alert '${failure.reason}' (${alert.name}): ${advice}.`;
  return new TlsError('ERR_TLS_ALERT', message, failure, { fault, alert });
}

/** What is wrong with the certificate of a peer that was let go on without being authorized; undefined: it has none. */
export function authorizationError(verification: NativeVerification | undefined): TlsError {
  const { code, message } = verificationCause(verification);
  return new TlsError(code, message, { reason: verification?.reason ?? message, stack: [] });
}

function verificationError(
  failure: NativeFailure,
  verification: NativeVerification,
  alert: TlsAlert | undefined,
): TlsError {
  const { code, message } = verificationCause(verification);
  return new TlsError(code, message, failure, { alert });
}
