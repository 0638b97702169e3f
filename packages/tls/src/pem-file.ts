/** Certificates and keys from files. */
import { readFileSync } from 'node:fs';
import { TlsContextError } from './errors.ts';

/** The bytes of a PEM file. Throws `TlsContextError` (`ERR_TLS_FILE`) that names the path when it cannot be read. */
export function readPemFileSync(path: string): Uint8Array {
  try {
    return readFileSync(path);
  } catch (thrown) {
    const { code } = thrown as NodeJS.ErrnoException;
    throw new TlsContextError('ERR_TLS_FILE', `'${path}' cannot be read (${code})`, { cause: thrown });
  }
}
