/** Setting counting up: the environment of the process that is to be counted, and the table that its counts are in. */
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { CountTable } from './count-table.ts';

/** What the build of the addon leaves for counting; never published. */
export const BUILD = new URL('../../../packages/core-native/build/Release/', import.meta.url);

/** Loaded into the process that is counted; it answers questions about its heap and its calls into the addon. */
export const INSIDE = new URL('./inside.mjs', import.meta.url).href;

export interface Counting {
  /** To be added to the environment of one child process; programs that it starts are not counted. */
  readonly env: { readonly LD_PRELOAD: string; readonly SLUICE_COUNTS: string };
  /** What it has counted, readable at any time. */
  readonly table: CountTable;
  /** Removes the table. To be called when the process has ended. */
  dispose(): void;
}

/** Throws when the library is not built, or is where it cannot be preloaded from. */
export function counting(): Counting {
  const library = fileURLToPath(new URL('sluice_counts.so', BUILD));
  if (!existsSync(library)) throw new Error(`${library} is not there: npm run setup builds it`);
  // ld.so(8): spaces and colons separate the list, and there is no way to quote them.
  if (/[\s:]/.test(library))
    throw new Error(`${library} cannot be preloaded from a path with blanks or colons`);
  const folder = mkdtempSync(join(tmpdir(), 'sluice-counts-'));
  const path = join(folder, 'table');
  writeFileSync(path, '');
  const table = new CountTable(path);
  const others = process.env['LD_PRELOAD'] ?? '';
  return {
    env: { LD_PRELOAD: others === '' ? library : `${library} ${others}`, SLUICE_COUNTS: path },
    table,
    dispose: () => {
      table.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
