// OPENSSL_ROOT_DIR: an OpenSSL that somebody chose instead of ours.
// Rule: an explicit choice that does not work is an error, never a reason to fall back.
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { SetupError } from './setup-error.mjs';

/** Checks the prefix and returns `{ root, version }`; throws a SetupError that says what is missing in it. */
export function inspectOpensslRoot(directory) {
  const root = resolve(directory);
  const header = join(root, 'include', 'openssl', 'opensslv.h');
  const refuse = (reason) => new SetupError(`OPENSSL_ROOT_DIR=${directory} cannot be used: ${reason}`);
  if (!existsSync(header)) throw refuse(`it has no include/openssl/opensslv.h`);
  for (const name of ['libssl.a', 'libcrypto.a']) {
    if (findLibrary(root, name) === undefined) {
      throw refuse(`it has no lib/${name} or lib64/${name} (Sluice links OpenSSL statically)`);
    }
  }
  const version = /^\s*#\s*define\s+OPENSSL_VERSION_STR\s+"([^"]+)"/m.exec(readFileSync(header, 'utf8'))?.[1];
  // OPENSSL_VERSION_STR itself came with 3.0.
  if (version === undefined || Number.parseInt(version, 10) < 3) {
    throw refuse(`its version is ${version ?? 'older than 3.0'}, and 3.0 is the oldest that works`);
  }
  return { root, version };
}

function findLibrary(root, name) {
  return ['lib', 'lib64'].map((folder) => join(root, folder, name)).find((path) => existsSync(path));
}
