/** How a program that is written in TypeScript is started: as `npm run example` does it, without npm between us. */
import { fileURLToPath } from 'node:url';
import type { Case } from './suite.ts';

export const ROOT = new URL('../../', import.meta.url);

/** Set by `npm run bench`, which has built the packages. Without it, as in tests, the sources run as they are. */
const isBuilt = process.env['SLUICE_BENCH_BUILT'] === '1';

/** Node's flags for every program of ours. */
export const PRELOADS = preloads(
  'scripts/register-typescript.mjs',
  'scripts/end-with-parent.mjs',
  ...(isBuilt ? ['scripts/register-built.mjs'] : []),
);

/**
 * Node's flags for a server whose {@link ServerProcess.memory} shall be asked. The young generation stays at a mebibyte:
 * it may grow to fifty times that and back, which is not what anything in it costs.
 */
export const TELLS_MEMORY = [
  '--expose-gc',
  '--max-semi-space-size=1',
  ...preloads('bench/servers/tell-memory.mjs'),
];

/**
 * Command that runs `file` (from the root of the repository) on a free port, with the flags of the example servers and
 * `nodeFlags` for Node itself, which is the running one unless `program` names another.
 */
export function typescriptProgram(
  file: string,
  each: Case,
  nodeFlags: readonly string[] = [],
  program: string = process.execPath,
): readonly string[] {
  const path = fileURLToPath(new URL(file, ROOT));
  return [program, ...PRELOADS, ...nodeFlags, path, '--port', '0', ...sealedFlags(each)];
}

/** The flags by which every server learns of its certificate; none in a case without. */
export function sealedFlags({ credentials }: Case): readonly string[] {
  return credentials === undefined ? [] : ['--cert', credentials.cert, '--key', credentials.key];
}

function preloads(...files: readonly string[]): readonly string[] {
  return files.flatMap((file) => ['--import', new URL(file, ROOT).href]);
}
