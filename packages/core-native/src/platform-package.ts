/**
 * The package with the prebuilt files of this processor: an optional dependency of this one, of the same version.
 *
 * Rule: found as Node.js finds any package, so that every package manager's layout will do; never downloaded.
 */
import { createRequire } from 'node:module';

const requireHere = createRequire(import.meta.url);

/** Its name for the processor `arch`. */
export function platformPackage(arch: string = process.arch): string {
  return `@sluice/core-native-linux-${arch}-gnu`;
}

/** The path of one of its files; undefined where the package, or that file in it, is not there. */
export function prebuiltFile(file: string, arch: string = process.arch): string | undefined {
  try {
    return requireHere.resolve(`${platformPackage(arch)}/${file}`);
  } catch {
    return undefined;
  }
}

/** The versions of this package and of the installed platform package, where they differ. */
export function versionMismatch(arch: string = process.arch): readonly [string, string] | undefined {
  const own = versionIn('../package.json');
  const prebuilt = versionIn(`${platformPackage(arch)}/package.json`);
  return own === prebuilt ? undefined : [own, prebuilt];
}

function versionIn(manifest: string): string {
  return (requireHere(manifest) as { version: string }).version;
}
