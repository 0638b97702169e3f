/**
 * A published context: certificates, keys and everything that a server has settled beforehand.
 *
 * Rule: it never changes (P35). Whoever wants another certificate makes another context and puts it in this one's place.
 */
import { X509Certificate } from 'node:crypto';
import type { NativeTlsContext } from '@sluice/core-native';
import { checkCertificates } from './identity-check.ts';

/** Made by `tlsContext()`. May serve any number of transports and names. */
export class TlsContext {
  /** @internal What sessions are made from. */
  readonly native: NativeTlsContext;
  /** @internal Whether early data may be taken. */
  readonly takesEarlyData: boolean;

  /** @internal */
  constructor(native: NativeTlsContext, takesEarlyData = false) {
    this.native = native;
    this.takesEarlyData = takesEarlyData;
  }

  /** Of each identity the certificates that are sent, the leaf first. Parsed anew at each call. */
  get chains(): readonly (readonly X509Certificate[])[] {
    return this.native.certificateChains().map((chain) => chain.map((der) => new X509Certificate(der)));
  }

  /**
   * Refuses what a client would: throws `TlsContextError` when a certificate is not valid at this moment
   * (`ERR_TLS_CERTIFICATE_DATES`) or was not issued by the one that follows it (`ERR_TLS_CHAIN`). That key and certificate
   * belong together was checked when the context was made.
   */
  check(): void {
    checkCertificates(this.native);
  }
}
