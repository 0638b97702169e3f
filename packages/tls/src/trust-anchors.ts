/** Whom a client trusts when it is not told: a static OpenSSL has no usable default store, Node ships a list. */
import { rootCertificates } from 'node:tls';
import type { Pem } from './context-options.ts';

/** Mozilla's roots as shipped with the running Node. */
export function defaultTrustAnchors(): readonly Pem[] {
  return [rootCertificates.join('\n')];
}
