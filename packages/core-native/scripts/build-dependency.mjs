// What a build needs of npm: cmake-js and the headers of Node-API. In a clone they are installed; who installed the package has
// not got them, and only a build from source fetches them, into the cache.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { cacheDirectory } from './cache-directory.mjs';
import { installPackage } from './npm-package.mjs';
import { SetupError } from './setup-error.mjs';

const MANIFEST = join(import.meta.dirname, '..', 'package.json');

/** The folder of the development dependency `name`, in the version that package.json pins. */
export async function buildDependency(name) {
  try {
    return dirname(createRequire(import.meta.url).resolve(`${name}/package.json`));
  } catch {
    const version = JSON.parse(readFileSync(MANIFEST, 'utf8')).devDependencies[name];
    try {
      return await installPackage(name, version, cacheDirectory());
    } catch (error) {
      throw new SetupError(
        `the build needs ${name} ${version} of npm, which could not be had: ${error.message}`,
      );
    }
  }
}
