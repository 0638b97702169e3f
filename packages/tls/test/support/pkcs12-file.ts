/** PKCS #12 files, made by OpenSSL's own program. */
import { spawnSync } from 'node:child_process';

/** The bytes of a file with `key` and the certificates of `pem`, in their order. */
export function pkcs12File(
  { pem, key }: { readonly pem: string; readonly key?: string },
  passphrase: string,
  flags: readonly string[] = [],
): Buffer {
  const input = `${key ?? ''}${pem}`;
  const without = key === undefined ? ['-nokeys'] : [];
  const args = ['pkcs12', '-export', '-passout', `pass:${passphrase}`, ...without, ...flags];
  const { status, stdout, stderr } = spawnSync('openssl', args, { input });
  if (status !== 0) throw new Error(stderr.toString());
  return stdout;
}
