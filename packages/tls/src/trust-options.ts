/**
 * Whom we believe: authorities, what they revoked, and the application's own word.
 *
 * Rule: OpenSSL verifies first; `verifyPeer` can only refuse what is left, and refuses unless it says yes.
 */
import { UsageError } from '@sluice/reactor';
import type { Pem } from './context-options.ts';
import type { VerifyPeer } from './peer-verification.ts';

/** What servers and clients have in common in judging their peers. */
export interface TrustOptions {
  /** Certificates to trust, authorities as a rule; each is trusted as it is, intermediates too. */
  readonly ca?: Pem | readonly Pem[];
  /**
   * Certificate revocation lists (PEM). With any given, the peer's own certificate is looked up in the list of its
   * issuer: revoked, or no list of that issuer, or one past its next update, does not verify. Default: none.
   */
  readonly crls?: Pem | readonly Pem[];
  /**
   * Whose certificates are looked up in `crls`: the peer's own (`leaf`), or those of all authorities above it too
   * (`chain`), for each of which, the root included, a current list has to be there. Default `leaf`.
   */
  readonly crlCheck?: 'leaf' | 'chain';
  /** The application's own judgement, after OpenSSL's, on each connection, resumed ones included. */
  readonly verifyPeer?: VerifyPeer;
}

/** The names of {@link TrustOptions}. */
export const TRUST_NAMES = ['ca', 'crls', 'crlCheck', 'verifyPeer'];

/**
 * What a server wants of its clients' certificates:
 *
 * - `none`: nothing, it does not ask.
 * - `request`: it asks, and goes on whatever comes. `conn.tls.authorized` says whether a certificate came that verifies,
 *   `authorizationError` what was wrong: who relies on the certificate has to look. Without `ca` none ever verifies.
 * - `require`: it asks, and refuses who has none or one that does not verify (`ERR_TLS_NO_CERTIFICATE`,
 *   `ERR_TLS_VERIFY` and its like). Needs `ca`.
 */
export type ClientCertificates = 'none' | 'request' | 'require';

/** How a server judges its clients. */
export interface ServerTrustOptions extends TrustOptions {
  /** Default `none`. */
  readonly clientCertificates?: ClientCertificates;
}

/** The hook, checked: what is no function would refuse everybody, each at its turn. Throws `UsageError`. */
export function checkedVerifyPeer(verifyPeer: VerifyPeer | undefined): VerifyPeer | undefined {
  if (verifyPeer === undefined || typeof verifyPeer === 'function') return verifyPeer;
  throw new UsageError('ERR_OPTION_VALUE', 'verifyPeer must be a function that answers true or an Error.');
}

/** A list, however it was given. */
export function pemList(pem: Pem | readonly Pem[] | undefined): readonly Pem[] {
  if (pem === undefined) return [];
  return typeof pem === 'string' || pem instanceof Uint8Array ? [pem] : pem;
}

/** `crls` and `crlCheck` in the words of the native contract. Throws `UsageError`. */
export function nativeCrls({ crls, crlCheck }: TrustOptions): {
  readonly crls: readonly Pem[];
  readonly crlCheck: 'leaf' | 'chain' | undefined;
} {
  if (crlCheck !== undefined && crlCheck !== 'leaf' && crlCheck !== 'chain') {
    throw new UsageError(
      'ERR_OPTION_VALUE',
      `crlCheck must be 'leaf' or 'chain'; received '${String(crlCheck)}'.`,
    );
  }
  if (crlCheck !== undefined && pemList(crls).length === 0) {
    throw new UsageError('ERR_OPTION_VALUE', 'crlCheck says what is looked up in crls: give these too.');
  }
  return { crls: pemList(crls), crlCheck };
}

/**
 * A server's trust in the words of the native contract. With `hasKeys` there are clients to judge that are not asked for
 * certificates. Throws `UsageError` for what contradicts itself.
 */
export function nativeServerTrust(
  options: ServerTrustOptions,
  hasKeys: boolean,
): {
  readonly trustAnchors: readonly Pem[];
  readonly crls: readonly Pem[];
  readonly crlCheck: 'leaf' | 'chain' | undefined;
  readonly verifyPeer: boolean;
  readonly requestCertificate: boolean;
} {
  const { clientCertificates = 'none', ca } = options;
  if (!['none', 'request', 'require'].includes(clientCertificates)) {
    throw new UsageError(
      'ERR_OPTION_VALUE',
      `clientCertificates must be 'none', 'request' or 'require'; received '${clientCertificates}'.`,
    );
  }
  const idle = TRUST_NAMES.filter((name) => !(hasKeys && name === 'verifyPeer')).find(
    (name) => options[name as keyof TrustOptions] !== undefined,
  );
  if (clientCertificates === 'none' && idle !== undefined) {
    throw new UsageError(
      'ERR_OPTION_VALUE',
      `${idle} judges certificates of clients, and none is asked for: give clientCertificates: 'require' too.`,
    );
  }
  if (clientCertificates === 'require' && pemList(ca).length === 0) {
    throw new UsageError(
      'ERR_OPTION_VALUE',
      "clientCertificates: 'require' needs ca: the authorities whose certificates clients may present.",
    );
  }
  return {
    trustAnchors: pemList(ca),
    ...nativeCrls(options),
    verifyPeer: clientCertificates === 'require',
    requestCertificate: clientCertificates === 'request',
  };
}
