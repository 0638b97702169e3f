/**
 * Finds and loads the native addon, once a thread.
 *
 * Rule: nothing is loaded by importing this package; types and constants are to be had on any platform. There is no
 * fallback after a file that does not load: either the first one found loads, or the error says what was tried and what to do.
 */
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import type { NativeBinding } from './contract.ts';
import { addonMissing, addonOfOtherVersion, addonRefused, type System, thisSystem } from './load-failure.ts';
import { assertSupportedPlatform } from './platform.ts';
import { prebuiltFile, versionMismatch } from './platform-package.ts';
import { watchSigpipe } from './sigpipe.ts';

let loaded: NativeBinding | undefined;

/**
 * The addon of this thread. The first call loads it; later ones are free.
 *
 * @throws NativeLoadError `ERR_PLATFORM`, `ERR_ADDON_MISSING` or `ERR_ADDON_LOAD`.
 */
export function loadNative(): NativeBinding {
  if (loaded !== undefined) return loaded;
  loaded = loadAddon(addonPaths());
  watchSigpipe(loaded);
  return loaded;
}

/**
 * Where the binary may be, most wanted first: `SLUICE_ADDON` alone when it is set; else what was built in this package, then
 * the prebuilt one where its package is installed. This file is one folder below the package's root both as source and compiled.
 */
export function addonPaths(environment: NodeJS.ProcessEnv = process.env): readonly string[] {
  const chosen = environment['SLUICE_ADDON'];
  if (chosen !== undefined && chosen !== '') return [chosen];
  const built = fileURLToPath(new URL('../build/Release/sluice.node', import.meta.url));
  const prebuilt = prebuiltFile('sluice.node');
  return prebuilt === undefined ? [built] : [built, prebuilt];
}

/** Loads the first of `paths` that exists. Exported for tests; use {@link loadNative}. */
export function loadAddon(
  paths: readonly string[],
  system: () => System = thisSystem,
  mismatch: () => readonly [string, string] | undefined = versionMismatch,
): NativeBinding {
  assertSupportedPlatform(process);
  const path = paths.find((candidate) => existsSync(candidate));
  if (path === undefined) throw addonMissing(paths, system());
  const versions = path === prebuiltFile('sluice.node') ? mismatch() : undefined;
  if (versions !== undefined) throw addonOfOtherVersion(...versions, process.arch);
  try {
    return createRequire(import.meta.url)(path) as NativeBinding;
  } catch (cause) {
    throw addonRefused(path, cause, system());
  }
}
