/** How a server that is written for Bun or Deno is started. */
import { fileURLToPath } from 'node:url';
import type { Case } from './suite.ts';
import { findTool } from './tools.ts';
import { ROOT, sealedFlags } from './typescript-program.ts';

/** They cannot be told by `end-with-parent.mjs` that we are gone: the kernel does it (PR_SET_PDEATHSIG(2const)). */
const ENDS_WITH_PARENT = findTool('setpriv') === undefined ? [] : ['setpriv', '--pdeathsig', 'TERM'];

/** Command that runs `bench/servers/FILE` on a free port by `program`, a Bun. */
export function bunProgram(program: string, file: string, each: Case): readonly string[] {
  return [...ENDS_WITH_PARENT, program, 'run', serverPath(file), ...flags(each)];
}

/** Command that runs `bench/servers/FILE` on a free port by `program`, a Deno, which is allowed to listen and to read. */
export function denoProgram(program: string, file: string, each: Case): readonly string[] {
  const may = ['--allow-net', '--allow-read', '--no-config', '--no-lock'];
  const env = ['env', 'DENO_NO_UPDATE_CHECK=1'];
  return [...ENDS_WITH_PARENT, ...env, program, 'run', ...may, serverPath(file), ...flags(each)];
}

function serverPath(file: string): string {
  return fileURLToPath(new URL(`bench/servers/${file}`, ROOT));
}

function flags(each: Case): readonly string[] {
  return ['--port', '0', ...sealedFlags(each)];
}
