// What prebuilt binaries are made for, and what each one's package, compiler and OpenSSL are called.
// Rule: the floor is a promise to users: no binary may ask for a newer C library.
import { join } from 'node:path';
import { ROOT } from '../root.mjs';

/** The oldest C library that a prebuilt binary loads on: Debian 11's, whose compiler and headers make it. */
export const GLIBC_FLOOR = '2.31';

/** By the name that Node gives the processor. */
export const TARGETS = {
  x64: target('x64', { triplet: 'x86_64-linux-gnu', openssl: 'linux-x86_64', processor: 'x86_64' }),
  arm64: target('arm64', { triplet: 'aarch64-linux-gnu', openssl: 'linux-aarch64', processor: 'aarch64' }),
};

/** The files that a platform package carries for the loader and for `@sluice/core-native/testing`. */
export const PREBUILT_FILES = ['sluice.node', 'sluice_faults.so'];

function target(arch, names) {
  const name = `@sluice/core-native-linux-${arch}-gnu`;
  return { arch, name, folder: join(ROOT, 'platforms', `linux-${arch}-gnu`), ...names };
}
