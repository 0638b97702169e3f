/** How a server that is written in TypeScript is started: as `npm run example` does it, without npm between us. */
import { fileURLToPath } from 'node:url';
import type { Case } from './suite.ts';

const ROOT = new URL('../../', import.meta.url);
const PRELOADS = ['scripts/register-typescript.mjs', 'scripts/end-with-parent.mjs'];

/** Command that runs `file` (from the root of the repository) on a free port, with the flags of the example servers. */
export function typescriptProgram(file: string, { credentials }: Case): readonly string[] {
  const preloads = PRELOADS.flatMap((preload) => ['--import', new URL(preload, ROOT).href]);
  const sealed = credentials === undefined ? [] : ['--cert', credentials.cert, '--key', credentials.key];
  return [process.execPath, ...preloads, fileURLToPath(new URL(file, ROOT)), '--port', '0', ...sealed];
}
