/**
 * Why the addon did not load, told to whoever has to do something about it: what was tried, what is the matter here, what to run.
 *
 * Rule: everything that is said about this system was looked up on it; where the reason is not known, none is made up.
 */
import { closeSync, openSync, readSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { NativeLoadError } from './errors.ts';
import { platformPackage, prebuiltFile } from './platform-package.ts';

/** What a failure is judged by. Made by {@link thisSystem}; tests make their own. */
export interface System {
  readonly arch: string;
  /** The version of the C library where that is glibc; undefined on another one, such as musl. */
  readonly glibc: string | undefined;
  /** Processors whose platform package is installed. */
  readonly installed: readonly string[];
  /** The value of `SLUICE_ADDON`. */
  readonly chosen: string | undefined;
}

/** The oldest glibc that prebuilt binaries load on. */
const GLIBC_FLOOR = '2.31';

const ARCHITECTURES = ['x64', 'arm64'];

/** elf(5), `e_machine`. */
const MACHINES: ReadonlyMap<number, string> = new Map([
  [62, 'x64'],
  [183, 'arm64'],
]);

export function thisSystem(environment: NodeJS.ProcessEnv = process.env): System {
  return {
    arch: process.arch,
    glibc: glibcVersion(),
    installed: ARCHITECTURES.filter((arch) => prebuiltFile('package.json', arch) !== undefined),
    chosen: environment['SLUICE_ADDON'] || undefined,
  };
}

/** `ERR_ADDON_MISSING`: none of `paths` exists. */
export function addonMissing(paths: readonly string[], system: System): NativeLoadError {
  const tried = paths.map((path) => `  ${path}`);
  if (system.chosen !== undefined) {
    const advice =
      'SLUICE_ADDON names it. Without that variable the prebuilt binary is loaded, or your own build.';
    return failure('ERR_ADDON_MISSING', [
      'The native addon of Sluice was not found. Looked for:',
      ...tried,
      advice,
    ]);
  }
  const isInstalled = system.installed.includes(system.arch);
  return failure('ERR_ADDON_MISSING', [
    'The native addon of Sluice was not found. Looked for:',
    ...tried,
    `  ${platformPackage(system.arch)} (prebuilt): ${isInstalled ? 'there, without a binary in it' : 'not installed'}`,
    ...reasonMissing(system, isInstalled),
    ...buildAdvice(),
  ]);
}

/** `ERR_ADDON_LOAD`: the file at `path` is there, and the dynamic linker or Node.js refused it for `cause`. */
export function addonRefused(path: string, cause: unknown, system: System): NativeLoadError {
  const words = cause instanceof Error ? cause.message : String(cause);
  return failure(
    'ERR_ADDON_LOAD',
    [
      `The native addon of Sluice is there but did not load: ${path}`,
      `  ${words}`,
      reasonRefused(path, words, system),
      ...buildAdvice(),
    ],
    { cause },
  );
}

/** `ERR_ADDON_LOAD`: this package is of version `own`, and the platform package of another one. */
export function addonOfOtherVersion(own: string, prebuilt: string, arch: string): NativeLoadError {
  return failure('ERR_ADDON_LOAD', [
    `@sluice/core-native is of version ${own}, and ${platformPackage(arch)} of ${prebuilt}: they only work together in one version.`,
    'An override, a resolution or a stale lockfile holds one of them back. Install both anew:',
    `  npm install @sluice/core-native@${own}`,
  ]);
}

function failure(
  code: 'ERR_ADDON_MISSING' | 'ERR_ADDON_LOAD',
  lines: readonly string[],
  options?: ErrorOptions,
): NativeLoadError {
  return new NativeLoadError(code, lines.join('\n'), options);
}

function reasonMissing({ arch, glibc, installed }: System, isInstalled: boolean): readonly string[] {
  if (glibc === undefined) return [MUSL];
  const [other] = installed.filter((each) => each !== arch);
  if (isInstalled) return [];
  if (other !== undefined) {
    return [
      `${platformPackage(other)} is installed, and this is ${arch}: node_modules comes from another machine, or from a Node.js`,
      'for another processor. Remove it and install on this machine:',
      '  rm -rf node_modules && npm install',
    ];
  }
  return [
    'It is an optional dependency. Those were left out (--omit=optional, --no-optional, `omit=optional` in .npmrc), or the',
    'lockfile was made without this platform. Install them:',
    '  npm install --include=optional',
  ];
}

function reasonRefused(path: string, words: string, { arch, glibc }: System): string {
  const machine = machineOf(path);
  if (machine !== undefined && machine !== arch) {
    return `It is built for ${machine}, and this Node.js runs on ${arch}: node_modules comes from another machine. Install here.`;
  }
  if (glibc === undefined) return MUSL;
  const wanted = /version [`']GLIBC_([\d.]+)' not found/.exec(words)?.[1];
  if (wanted !== undefined) {
    return (
      `It needs glibc ${wanted} or later, and this system has ${glibc}. Prebuilt binaries load from glibc ${GLIBC_FLOOR} on ` +
      '(Debian 11, Ubuntu 20.04, RHEL 9): use a later system, or build on this one.'
    );
  }
  return 'It is damaged, or was built for another system.';
}

const MUSL =
  'This Node.js does not run on glibc (Alpine Linux has musl), and prebuilt binaries are for glibc. Use an image with glibc, such ' +
  'as node:22-slim. Building on musl is not tested.';

/** This file is one folder below the package's root both as source and compiled. */
function buildAdvice(): readonly string[] {
  const command = fileURLToPath(new URL('../scripts/core-native.mjs', import.meta.url));
  return [
    'Or build it on this machine, which takes CMake, a C++20 compiler, perl, make and a few minutes:',
    '  npm run setup          (in a clone of the Sluice repository)',
    `  node ${command} build`,
    'On Debian and Ubuntu the tools are: sudo apt-get install cmake g++ make perl',
  ];
}

/** Of the processor that the ELF file at `path` is for. */
function machineOf(path: string): string | undefined {
  const header = Buffer.alloc(20);
  const fd = openSync(path, 'r');
  try {
    readSync(fd, header, 0, header.length, 0);
  } finally {
    closeSync(fd);
  }
  if (header.toString('latin1', 0, 4) !== '\x7fELF') return undefined;
  const machine = header.readUInt16LE(18);
  return MACHINES.get(machine) ?? `processor ${machine} of elf(5)`;
}

function glibcVersion(): string | undefined {
  const { report } = process;
  // The report looks up the names of all peers of open sockets unless told not to.
  Object.assign(report, { excludeNetwork: true });
  const { header } = report.getReport() as { header?: { glibcVersionRuntime?: string } };
  return header?.glibcVersionRuntime;
}
