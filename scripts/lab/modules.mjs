// Which modules the lab loads, and in which order.
import { readFileSync } from 'node:fs';
import { basename, join } from 'node:path';

/**
 * TLS asks the kernel's crypto for its ciphers by name, for which there is no modprobe here: they come first.
 * What a kernel has built in is in no file of modules, and need not be loaded.
 */
const WANTED = [
  ...['ctr', 'ghash-generic', 'seqiv', 'gcm', 'ccm'],
  // Linux 6.16 calls chacha what was chacha_generic.
  ...['chacha_generic', 'chacha', 'poly1305_generic', 'chacha20poly1305'],
  ...['ipv6', 'tls', 'sch_netem'],
];

/** Paths of the modules in `folder`, each after all that it depends on. */
export function modulesInOrder(folder, wanted = WANTED) {
  const dependencies = parseDependencies(readFileSync(join(folder, 'modules.dep'), 'utf8'));
  const byName = new Map([...dependencies.keys()].map((path) => [nameOf(path), path]));
  const ordered = new Set();
  const add = (path) => {
    for (const needed of dependencies.get(path) ?? []) add(needed);
    ordered.add(path);
  };
  for (const name of wanted) if (byName.has(name)) add(byName.get(name));
  return [...ordered].map((path) => join(folder, path));
}

/** Lines of modules.dep(5): `path: path path`. */
function parseDependencies(text) {
  const lines = text.split('\n').filter((line) => line.includes(':'));
  return new Map(
    lines.map((line) => {
      const [path, rest] = line.split(':');
      return [path, rest.split(' ').filter((word) => word !== '')];
    }),
  );
}

const nameOf = (path) => basename(path).replace(/\.ko(\..*)?$/, '');
