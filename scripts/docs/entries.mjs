// The entry points that users of the packages can import.
// Rule: the manifests decide (`publishConfig.exports`); nothing is listed twice.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from '../root.mjs';

/** From the bottom up, as the imports go: what is read first stands first. */
const ORDER = ['reactor', 'tls', 'http-lite', 'echo', 'create-protocol', 'core-native'];

/** All of them: `{ name, package, file, folder }`, `name` being what is imported and `file` its source, from the root. */
export function publicEntries() {
  const folders = readdirSync(join(ROOT, 'packages')).sort((a, b) => place(a) - place(b));
  return folders.flatMap((folder) => {
    const path = join(ROOT, 'packages', folder, 'package.json');
    const manifest = JSON.parse(readFileSync(path, 'utf8'));
    if (manifest.private === true) return [];
    return Object.keys(manifest.publishConfig.exports).map((key) => ({
      name: join(manifest.name, key),
      package: manifest.name,
      file: join('packages', folder, manifest.exports[key]),
      folder: join('packages', folder),
    }));
  });
}

function place(folder) {
  const index = ORDER.indexOf(folder);
  return index === -1 ? ORDER.length : index;
}
