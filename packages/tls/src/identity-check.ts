/**
 * Whether an identity is fit to be deployed now: what loading does not look at, since a clock may be wrong and some
 * clients forgive a chain in disorder.
 *
 * Rule: `tls()` refuses only what can never work; whoever replaces a configuration that works asks here first (P35).
 */
import { X509Certificate } from 'node:crypto';
import { loadNative, type NativeTlsContext } from '@sluice/core-native';
import { contextError, TlsContextError } from './errors.ts';
import { type IdentityOptions, nativeIdentities } from './identity-options.ts';

/**
 * Checks every identity of `options` as `tls()` would, and besides that each of their certificates is valid at `atMs`
 * (milliseconds since the epoch, default now) and that each was issued by the next one. Throws `TlsContextError`:
 * `ERR_TLS_CERTIFICATE_DATES`, `ERR_TLS_CHAIN`, or what `tls()` throws.
 */
export function checkIdentity(options: IdentityOptions, atMs: number = Date.now()): void {
  let context: NativeTlsContext;
  try {
    // A client's context loads the same way and does without everything else.
    context = new (loadNative().TlsContext)({ role: 'client', ...nativeIdentities(options) });
  } catch (thrown) {
    throw contextError(thrown);
  }
  checkCertificates(context, atMs);
}

/** The same for the identities of a context that exists. */
export function checkCertificates(context: NativeTlsContext, atMs: number = Date.now()): void {
  for (const chain of context.certificateChains()) {
    const certificates = chain.map((der) => new X509Certificate(der));
    for (const [index, certificate] of certificates.entries()) {
      checkDates(certificate, atMs);
      checkIssuer(certificate, certificates[index + 1]);
    }
  }
}

function checkDates({ subject, validFrom, validTo }: X509Certificate, atMs: number): void {
  const name = `The certificate of '${oneLine(subject)}'`;
  if (atMs > Date.parse(validTo)) {
    throw new TlsContextError('ERR_TLS_CERTIFICATE_DATES', `${name} expired on ${validTo}`);
  }
  if (atMs < Date.parse(validFrom)) {
    throw new TlsContextError('ERR_TLS_CERTIFICATE_DATES', `${name} is valid from ${validFrom} on`);
  }
}

function checkIssuer(certificate: X509Certificate, next: X509Certificate | undefined): void {
  if (next === undefined) return;
  // By names alone an authority that was renewed with another key would pass.
  if (certificate.checkIssued(next) && certificate.verify(next.publicKey)) return;
  const [name, issuer] = [oneLine(certificate.subject), oneLine(next.subject)];
  throw new TlsContextError(
    'ERR_TLS_CHAIN',
    `The certificate of '${name}' is followed by '${issuer}', which is not its issuer`,
  );
}

/** Node writes one attribute a line. */
function oneLine(subject: string): string {
  return subject.replaceAll('\n', ', ');
}
