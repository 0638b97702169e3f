// The C++ files that are ours to format.
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from './root.mjs';

/** Absolute paths, sorted. */
export function nativeSources(folder = join(ROOT, 'packages', 'core-native', 'native')) {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /\.(cc|cpp|h|hpp)$/.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
}
