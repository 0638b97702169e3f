// What a shared object says of itself, as readelf(1) and its bytes tell: its processor, what it needs, and whose folders it names.
// Rule: a binary that breaks a promise of its package is never put into one.
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { cacheDirectory } from '../../packages/core-native/scripts/cache-directory.mjs';
import { SetupError } from '../../packages/core-native/scripts/setup-error.mjs';
import { ROOT } from '../root.mjs';
import { GLIBC_FLOOR } from './targets.mjs';

/** elf(5), `e_machine`. */
const MACHINES = new Map([
  [62, 'x64'],
  [183, 'arm64'],
]);

/** What the addon may need of the system, besides the C library's versions: nothing that only some systems have. */
const ALLOWED_LIBRARIES =
  /^(libc\.so\.6|libm\.so\.6|libdl\.so\.2|libpthread\.so\.0|ld-linux-(x86-64|aarch64)\.so\.[12])$/;

/** `{ arch, libraries, glibc, others }`: versions that are asked for, sorted, the C library's and those of anything else. */
export function binaryFacts(path) {
  const arch = MACHINES.get(readFileSync(path).readUInt16LE(18));
  const dynamic = readelf('--dynamic', path);
  const versions = [
    ...new Set(readelf('--version-info', path).match(/\b[A-Z]+[A-Z_]*_\d+(\.\d+)*\b/g) ?? []),
  ];
  const glibc = versions.filter((name) => name.startsWith('GLIBC_')).map((name) => name.slice(6));
  return {
    arch,
    libraries: [...dynamic.matchAll(/\(NEEDED\).*\[(.+)\]/g)].map(([, name]) => name),
    glibc: glibc.sort(compareVersions),
    others: versions.filter((name) => !name.startsWith('GLIBC_')),
  };
}

/** Throws a SetupError with everything that is wrong with the binary at `path` for `target`. */
export function assertPortable(path, target) {
  const problems = portabilityProblems(binaryFacts(path), target);
  const folders = [ROOT, cacheDirectory(), homedir()].filter((folder) => folder !== '/');
  const named = folders.filter((folder) => readFileSync(path).includes(folder));
  if (named.length > 0) problems.push(`it names folders of this machine: ${named.join(', ')}`);
  if (problems.length > 0)
    throw new SetupError(`${path} must not be shipped:\n${problems.map((each) => `    ${each}`).join('\n')}`);
}

/** As sentences; none for a binary that loads on every system which `target` is for. */
export function portabilityProblems({ arch, libraries, glibc, others }, target) {
  const problems = [];
  if (arch !== target.arch) problems.push(`it is for ${arch ?? 'another processor'}, not for ${target.arch}`);
  const foreign = libraries.filter((name) => !ALLOWED_LIBRARIES.test(name));
  if (foreign.length > 0) problems.push(`it needs ${foreign.join(', ')}`);
  const newest = glibc.at(-1);
  if (newest !== undefined && compareVersions(newest, GLIBC_FLOOR) > 0)
    problems.push(`it needs glibc ${newest}, and ${GLIBC_FLOOR} is the floor`);
  if (others.length > 0) problems.push(`it needs symbols of the version ${others.join(', ')}`);
  return problems;
}

function compareVersions(left, right) {
  const [a, b] = [left, right].map((version) => version.split('.').map(Number));
  for (let i = 0; i < Math.max(a.length, b.length); i += 1) {
    const difference = (a[i] ?? 0) - (b[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

function readelf(option, path) {
  const { status, stdout, stderr, error } = spawnSync('readelf', ['--wide', option, path], {
    encoding: 'utf8',
    env: { ...process.env, LC_ALL: 'C' },
    maxBuffer: 64 << 20,
  });
  if (status !== 0) throw new SetupError(`readelf could not read ${path}: ${error?.message ?? stderr}`);
  return stdout;
}
