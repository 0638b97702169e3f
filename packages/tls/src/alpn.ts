/** ALPN names as the wire carries them (RFC 7301 section 3.1). */
import { TlsContextError } from './errors.ts';

/** Each name with its length in front. Throws `TlsContextError` (`ERR_TLS_OPTION`) unless each has 1 to 255 bytes. */
export function encodeAlpn(names: readonly string[]): Buffer {
  const parts = names.map((name) => {
    const bytes = Buffer.from(name, 'utf8');
    if (bytes.length > 0 && bytes.length <= 255) return Buffer.concat([Buffer.of(bytes.length), bytes]);
    throw new TlsContextError('ERR_TLS_OPTION', `'${name}' in alpn must have 1 to 255 bytes`);
  });
  return Buffer.concat(parts);
}
