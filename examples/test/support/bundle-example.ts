/**
 * An example and all that it imports, as one file of JavaScript. Node starts that in a quarter of the CPU that translating module
 * by module takes, and some test files start an example dozens of times.
 */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { buildSync } from 'esbuild';

const EXAMPLES = join(import.meta.dirname, '..', '..');
/** What is CommonJS in there calls `require`, which modules have not. */
const BANNER =
  "import { createRequire as requireFrom } from 'node:module'; const require = requireFrom(import.meta.url);";

const bundles = new Map<string, string>();
let folder: string | undefined;

/** The path of the file for `examples/NAME.ts`, made once a process, with which it goes. */
export function bundleExample(name: string): string {
  const made = bundles.get(name);
  if (made !== undefined) return made;
  const outfile = join(bundleFolder(), `${name}.mjs`);
  buildSync({
    absWorkingDir: EXAMPLES,
    entryPoints: [join(EXAMPLES, `${name}.ts`)],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    banner: { js: BANNER },
    logLevel: 'warning',
  });
  bundles.set(name, outfile);
  return outfile;
}

function bundleFolder(): string {
  if (folder !== undefined) return folder;
  const parent = join(EXAMPLES, 'node_modules', '.cache');
  mkdirSync(parent, { recursive: true });
  const made = mkdtempSync(join(parent, 'bundles-'));
  process.on('exit', () => rmSync(made, { recursive: true, force: true }));
  folder = made;
  return made;
}
