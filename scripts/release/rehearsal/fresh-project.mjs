// A stranger's project: nothing in it but a manifest, a HOME of its own, and a PATH that has node and hardly anything else.
// Rule: neither a compiler nor anything of this clone is within its reach.
import { mkdirSync, mkdtempSync, readdirSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isOnPath } from '../../../packages/core-native/scripts/required-tools.mjs';
import { ROOT } from '../../root.mjs';
import { output } from './output.mjs';
import { networkSettings, npmCli, pnpmCli, projectNpmrc } from './package-managers.mjs';

const COMPILERS = ['cc', 'c++', 'gcc', 'g++', 'clang', 'make', 'cmake'];
/** What a server over HTTPS needs, by the names that users write. */
export const PACKAGES = ['@sluice/http-lite', '@sluice/tls', '@sluice/reactor'];

/** Makes one below `parent` that runs on `node`. Returns `{ node, folder, bin, env }`; `env` is all that its programs see. */
export function freshProject(parent, node, registry) {
  const folder = mkdtempSync(join(parent, 'project-'));
  const bin = join(folder, '.bin');
  mkdirSync(bin);
  symlinkSync(node, join(bin, 'node'));
  for (const tool of ['sh', 'env', 'uname'])
    symlinkSync(output('sh', ['-c', `command -v ${tool}`], { cwd: ROOT }).trim(), join(bin, tool));
  const env = { ...networkSettings(), PATH: bin, HOME: folder, NO_COLOR: '1' };
  const compilers = COMPILERS.filter((name) => isOnPath(name, env));
  if (compilers.length > 0) throw new Error(`there are compilers on the PATH: ${compilers.join(', ')}`);
  writeFileSync(join(folder, 'package.json'), '{ "private": true, "type": "module" }\n');
  writeFileSync(join(folder, '.npmrc'), projectNpmrc(registry));
  return { node, folder, bin, env };
}

/** Adds the packages by `how`: a package manager and its flags. Returns how long it took and what is installed, in words. */
export function install({ node, folder, env }, how) {
  const [manager, ...flags] = how.split(' ');
  const command = manager === 'npm' ? [npmCli(), 'install'] : [pnpmCli(), 'add'];
  const startedMs = performance.now();
  output(node, [...command, ...flags, ...PACKAGES], { cwd: folder, env });
  const seconds = ((performance.now() - startedMs) / 1000).toFixed(1);
  const mib = (folderBytes(join(folder, 'node_modules')) / 1024 / 1024).toFixed(1);
  return `installed in ${seconds} s, ${mib} MiB`;
}

function folderBytes(path) {
  return readdirSync(path, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .reduce((sum, entry) => sum + statSync(join(entry.parentPath, entry.name)).size, 0);
}
