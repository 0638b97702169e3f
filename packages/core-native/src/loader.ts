/**
 * Finds and loads the native addon, once a thread.
 *
 * Rule: nothing is loaded by importing this package; types and constants are to be had on any platform. There is no
 * fallback: either the binary that belongs to this package loads, or the error says what was tried and what to do.
 */
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import type { NativeBinding } from './contract.ts';
import { NativeLoadError } from './errors.ts';
import { assertSupportedPlatform } from './platform.ts';

let loaded: NativeBinding | undefined;

/**
 * The addon of this thread. The first call loads it; later ones are free.
 *
 * @throws NativeLoadError `ERR_PLATFORM`, `ERR_ADDON_MISSING` or `ERR_ADDON_LOAD`.
 */
export function loadNative(): NativeBinding {
  loaded ??= loadAddon(addonPaths());
  return loaded;
}

/**
 * Where the binary may be, most wanted first: `SLUICE_ADDON` alone when it is set, else the build of this package. This
 * file is one folder below the package's root both as source and compiled.
 */
export function addonPaths(environment: NodeJS.ProcessEnv = process.env): readonly string[] {
  const chosen = environment['SLUICE_ADDON'];
  if (chosen !== undefined && chosen !== '') return [chosen];
  return [fileURLToPath(new URL('../build/Release/sluice.node', import.meta.url))];
}

/** Loads the first of `paths` that exists. Exported for tests; use {@link loadNative}. */
export function loadAddon(paths: readonly string[]): NativeBinding {
  assertSupportedPlatform(process);
  const path = paths.find((candidate) => existsSync(candidate));
  if (path === undefined) throw addonMissing(paths);
  try {
    return createRequire(import.meta.url)(path) as NativeBinding;
  } catch (cause) {
    throw addonRefused(path, cause);
  }
}

function addonMissing(paths: readonly string[]): NativeLoadError {
  return new NativeLoadError(
    'ERR_ADDON_MISSING',
    [
      'The native addon of Sluice was not found. Looked for:',
      ...paths.map((path) => `  ${path}`),
      'It is built from source, which takes CMake, a C++20 compiler and a minute or two:',
      '  npm run setup                     (in a clone of the Sluice repository)',
      '  npm rebuild @sluice/core-native   (in a project that depends on it)',
      'On Debian and Ubuntu the tools are: sudo apt-get install cmake g++ make perl',
    ].join('\n'),
  );
}

function addonRefused(path: string, cause: unknown): NativeLoadError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new NativeLoadError(
    'ERR_ADDON_LOAD',
    [
      `The native addon of Sluice is there but did not load: ${path}`,
      `  ${reason}`,
      'It was probably built for another processor, C library or Node.js. Build it again on this machine:',
      '  npm run setup                     (in a clone of the Sluice repository)',
      '  npm rebuild @sluice/core-native   (in a project that depends on it)',
    ].join('\n'),
    { cause },
  );
}
