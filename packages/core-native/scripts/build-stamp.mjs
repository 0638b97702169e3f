// Two hashes that tell whether a built addon is still what a build would make now.
// Node's version is in neither: Node-API keeps one binary valid for all of them.
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join, relative } from 'node:path';
import { compilerIdentity } from './openssl-release.mjs';
import { cxxCompiler } from './required-tools.mjs';

/** Where and with what: this folder, OpenSSL, compiler, flags, CMake's options, the versions of the header packages. */
export function environmentStamp(folder, openssl, options, env = process.env) {
  const library = statSync(join(openssl.root, 'include', 'openssl', 'opensslv.h'));
  return hash([
    folder,
    openssl.root,
    openssl.version,
    // In seconds: not every file system, the lab's not, tells more.
    String(Math.floor(library.mtimeMs / 1000)),
    compilerIdentity(cxxCompiler(env), env),
    env.CXXFLAGS ?? '',
    process.arch,
    ...options,
    readFileSync(join(folder, 'package.json'), 'utf8'),
  ]);
}

/** What: CMakeLists.txt and every file in native/. */
export function sourceStamp(folder) {
  const files = [join(folder, 'CMakeLists.txt'), ...filesIn(join(folder, 'native'))].filter((path) =>
    existsSync(path),
  );
  return hash(files.flatMap((path) => [relative(folder, path), readFileSync(path)]));
}

function filesIn(folder) {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
}

function hash(parts) {
  const sum = createHash('sha256');
  // With its length before each part, no two lists of parts run together into the same bytes.
  for (const part of parts) sum.update(`${part.length}:`).update(part);
  return sum.digest('hex');
}
