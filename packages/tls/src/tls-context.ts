/**
 * A published context: certificate, key and everything that a server has settled beforehand.
 *
 * Rule: it never changes (P35). Whoever wants another certificate makes another context and puts it in this one's place.
 */
import { X509Certificate } from 'node:crypto';
import type { NativeTlsContext } from '@sluice/core-native';
import { TlsContextError } from './errors.ts';

/** Made by `tlsContext()`. May serve any number of transports and names. */
export class TlsContext {
  /** @internal What sessions are made from. */
  readonly native: NativeTlsContext;
  private readonly chainPem: string;

  /** @internal `chainPem`: the certificates that were given, the leaf first. */
  constructor(native: NativeTlsContext, chainPem: string | Uint8Array) {
    this.native = native;
    this.chainPem = typeof chainPem === 'string' ? chainPem : Buffer.from(chainPem).toString('latin1');
  }

  /** The certificates that are sent, the leaf first. Parsed anew at each call. */
  get chain(): readonly X509Certificate[] {
    return (this.chainPem.match(CERTIFICATE) ?? []).map((pem) => new X509Certificate(pem));
  }

  /**
   * Refuses what a client would: throws `TlsContextError` when a certificate is not valid at this moment
   * (`ERR_TLS_CERTIFICATE_DATES`) or was not issued by the one that follows it (`ERR_TLS_CHAIN`). That key and certificate
   * belong together was checked when the context was made.
   */
  check(): void {
    const { chain } = this;
    for (const [index, certificate] of chain.entries()) {
      checkDates(certificate);
      const issuer = chain[index + 1];
      if (issuer !== undefined) checkIssuer(certificate, issuer);
    }
  }
}

const CERTIFICATE =
  /-----BEGIN (?:X509 |TRUSTED )?CERTIFICATE-----[^-]+-----END (?:X509 |TRUSTED )?CERTIFICATE-----/g;

function checkDates(certificate: X509Certificate): void {
  const { subject, validFrom, validTo } = certificate;
  const now = Date.now();
  if (Date.parse(validTo) < now)
    throw new TlsContextError(
      'ERR_TLS_CERTIFICATE_DATES',
      `the certificate of ${subject} expired on ${validTo}`,
    );
  if (Date.parse(validFrom) > now)
    throw new TlsContextError(
      'ERR_TLS_CERTIFICATE_DATES',
      `the certificate of ${subject} is valid from ${validFrom} on`,
    );
}

function checkIssuer(certificate: X509Certificate, issuer: X509Certificate): void {
  if (certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey)) return;
  throw new TlsContextError(
    'ERR_TLS_CHAIN',
    `${certificate.subject} was not issued by ${issuer.subject}, which follows it`,
  );
}
