// A module hook (node:module): where the packages of this workspace are when they are built.
// Rule: what is not built is an error, never the source instead.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const PACKAGES = fileURLToPath(new URL('../packages', import.meta.url));

const built = new Map(readdirSync(PACKAGES).flatMap((folder) => entriesOf(join(PACKAGES, folder))));

export async function resolve(specifier, context, nextResolve) {
  const file = built.get(specifier);
  if (file === undefined) return nextResolve(specifier, context);
  if (!existsSync(file)) throw new Error(`${specifier} is not built: npm run build makes ${file}.`);
  return { url: pathToFileURL(file).href, format: 'module', shortCircuit: true };
}

/** What users import of one package, and the files that they get. */
function entriesOf(folder) {
  const { name, publishConfig } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  return Object.entries(publishConfig?.exports ?? {}).map(([entry, { import: file }]) => [
    join(name, entry),
    join(folder, file),
  ]);
}
