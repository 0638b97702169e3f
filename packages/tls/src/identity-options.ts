/**
 * Who we are: certificates with their keys, in PEM or as PKCS #12, one of each kind of key.
 *
 * Rule: what a native option is called is known here and in the transports only; messages name ours (errors.ts).
 */
import type { NativeTlsIdentity } from '@sluice/core-native';
import { UsageError } from '@sluice/reactor';
import type { Pem } from './context-options.ts';

/** A certificate with its issuers and its key. Nothing is kept of the caller's memory. */
export interface PemIdentity {
  /** The certificate, followed by its issuers up to but not including the root. */
  readonly cert: Pem;
  /** Its private key. */
  readonly key: Pem;
  /** Of an encrypted key. */
  readonly passphrase?: string;
  /**
   * An OCSP response about the certificate (DER, RFC 6960), handed to clients that ask for one. It is checked to be about
   * this certificate, not to be current, since a clock may be wrong. A fresh one is put in as a renewed certificate is:
   * `contexts.replaceDefault(tlsContext({ cert, key, ocspStaple }))`, which ends no session and invalidates no ticket.
   */
  readonly ocspStaple?: Uint8Array;
}

/** A certificate with its issuers and its key out of a PKCS #12 file (`.p12`, `.pfx`, RFC 7292); the chain is put in order, a root is left out. */
export interface Pkcs12Identity {
  /** The bytes of the file. */
  readonly pkcs12: Uint8Array;
  readonly passphrase?: string;
  /** As of {@link PemIdentity}. */
  readonly ocspStaple?: Uint8Array;
}

/** One identity, in either form. */
export type TlsIdentity = PemIdentity | Pkcs12Identity;

/** How `tls` and `tlsClient` are told who we are. */
export interface IdentityOptions extends Partial<PemIdentity>, Partial<Pick<Pkcs12Identity, 'pkcs12'>> {
  /**
   * Further identities, each with a key of another kind: an ECDSA certificate for most, an RSA one for clients that
   * cannot verify it. The first in OpenSSL's order of signature algorithms (ECDSA before RSA) that the peer can verify
   * is used.
   */
  readonly identities?: readonly TlsIdentity[];
}

/** The names of {@link IdentityOptions}. */
export const IDENTITY_NAMES = ['cert', 'key', 'passphrase', 'pkcs12', 'ocspStaple', 'identities'];

/** Throws `UsageError` unless a server has an identity; what is in it is checked where it is loaded. */
export function requireIdentity({ cert, key, pkcs12, identities = [] }: IdentityOptions): void {
  const isHalf = Boolean(cert) !== Boolean(key);
  if (!isHalf && (cert || pkcs12 || identities.length > 0)) return;
  throw new UsageError(
    'ERR_OPTION_VALUE',
    'tls needs both cert and key: the PEM text of a certificate and its key.',
  );
}

/** The same in the words of the native contract. */
export function nativeIdentities(
  options: IdentityOptions,
): NativeTlsIdentity & { readonly identities: readonly NativeTlsIdentity[] } {
  return { ...nativeIdentity(options), identities: (options.identities ?? []).map(nativeIdentity) };
}

function nativeIdentity(identity: Partial<PemIdentity & Pkcs12Identity>): NativeTlsIdentity {
  const { cert, key, passphrase, pkcs12, ocspStaple } = identity;
  return { certificateChain: cert, privateKey: key, passphrase, pkcs12, ocspStaple };
}
