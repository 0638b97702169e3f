/**
 * Who is on the other end, in the words of the handshake: for `conn.tls` and for `verifyPeer`.
 *
 * Rule: certificates are parsed only when they are asked for; most connections never do.
 */
import { X509Certificate } from 'node:crypto';
import type { NativeTlsInfo } from '@sluice/core-native';
import { authorizationError, type TlsError } from './errors.ts';
import { subjectAltNames } from './subject-alt-names.ts';

/** What the handshake settled and who the peer is. */
export interface TlsPeer extends NativeTlsInfo {
  /**
   * Why `authorized` is false: no certificate (`ERR_TLS_NO_CERTIFICATE`), or what is wrong with it, as the refusal of a
   * peer that must have one would tell. Undefined where the peer is authorized.
   */
  readonly authorizationError: TlsError | undefined;
  /** The peer's certificate; undefined when it presented none. Parsed anew at each call. */
  peerCertificate(): X509Certificate | undefined;
  /**
   * The peer's chain as it sent it, leaf first: nothing says that its issuers verify, or belong there. Empty when it
   * presented none; the leaf alone when the session was resumed. Parsed anew at each call.
   */
  peerCertificates(): X509Certificate[];
  /** SHA-256 of the peer's certificate, `AB:CD:…`; undefined when it presented none. */
  peerFingerprint256(): string | undefined;
  /** Subject alternative names of the peer's certificate, such as `DNS:example.org`, `IP Address:192.0.2.1`. */
  peerSubjectAltNames(): readonly string[];
}

/** The peer of a handshake; `chain` answers its certificates (DER, leaf first). */
export function describePeer(info: NativeTlsInfo, chain: () => readonly Buffer[]): TlsPeer {
  const leaf = () => {
    const [der] = chain();
    return der === undefined ? undefined : new X509Certificate(der);
  };
  return {
    ...info,
    authorizationError: info.authorized ? undefined : authorizationError(info.verification),
    peerCertificate: leaf,
    peerCertificates: () => chain().map((der) => new X509Certificate(der)),
    peerFingerprint256: () => leaf()?.fingerprint256,
    peerSubjectAltNames: () => subjectAltNames(leaf()?.subjectAltName),
  };
}
