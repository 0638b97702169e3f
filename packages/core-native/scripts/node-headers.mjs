// The folder with the running Node's `uv.h`: the addon lets Node's own event loop watch its epoll descriptor.
// Node-API's headers do not come from here; they come from the package node-api-headers.
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { cacheDirectory } from './cache-directory.mjs';
import { installPackage } from './npm-package.mjs';
import { note } from './progress.mjs';
import { SetupError } from './setup-error.mjs';

/** The include folder; fetched as the npm package of the same Node version where an installation has none. */
export async function ensureNodeHeaders() {
  const local = findNodeHeaders(localFolders());
  if (local !== undefined) return local;
  const name = `node-linux-${process.arch}`;
  note(`this Node has no uv.h next to it; taking it from the npm package ${name}`);
  try {
    return join(await installPackage(name, process.versions.node, cacheDirectory()), 'include', 'node');
  } catch (error) {
    throw new SetupError(missingHeadersMessage(error.message));
  }
}

/** The first of `folders` that holds `uv.h`. */
export function findNodeHeaders(folders) {
  return folders.find((folder) => existsSync(join(folder, 'uv.h')));
}

function localFolders() {
  const prefixes = [
    join(dirname(process.execPath), '..'),
    process.env.npm_config_nodedir,
    process.config.variables.node_prefix,
  ].filter((prefix) => typeof prefix === 'string' && prefix !== '');
  return prefixes.map((prefix) => join(prefix, 'include', 'node'));
}

function missingHeadersMessage(reason) {
  return [
    `uv.h of Node ${process.versions.node} was found in none of these folders:`,
    ...localFolders().map((folder) => `    ${folder}`),
    `and could not be fetched: ${reason}`,
    'Install the headers that belong to this Node, for example',
    '    apt-get install -y libnode-dev    # Node from Debian or Ubuntu',
    '    dnf install -y nodejs-devel       # Node from Fedora or RHEL',
    'or use a Node from nodejs.org, NodeSource or nvm, which brings them.',
  ].join('\n');
}
