/**
 * Makes the package: the template, with the name put in.
 *
 * Rule: nothing is overwritten. A folder that has anything in it is refused, be it a file that would not be touched.
 */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { CreateError } from './errors.ts';
import { type PackageName, packageName } from './package-name.ts';

/** What was made. */
export interface CreatedProtocol {
  readonly folder: string;
  /** Paths in it, sorted. */
  readonly files: readonly string[];
}

/** This file is one folder below the package's root both as source and compiled. */
const ROOT = fileURLToPath(new URL('..', import.meta.url));
const TEMPLATE = join(ROOT, 'template');

/**
 * Makes the package `name` in a new folder of `parent`, called as the name is without its scope.
 *
 * @throws CreateError `ERR_CREATE_NAME` for a name that cannot be one, `ERR_CREATE_FOLDER` for a folder that is not empty, or
 * is none.
 */
export function createProtocol(name: string, parent: string = process.cwd()): CreatedProtocol {
  const names = packageName(name);
  const folder = join(parent, names.bare);
  requireEmpty(folder);
  const files = readdirSync(TEMPLATE, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(TEMPLATE.length + 1));
  const made = files.map((file) => {
    const path = pathOf(file, names);
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), filledIn(readFileSync(join(TEMPLATE, file), 'utf8'), names), {
      flag: 'wx',
    });
    return path;
  });
  return { folder, files: made.sort() };
}

function requireEmpty(folder: string): void {
  let found: string[];
  try {
    found = readdirSync(folder);
  } catch (thrown) {
    const { code, message } = thrown as NodeJS.ErrnoException;
    if (code === 'ENOENT') return;
    const problem =
      code === 'ENOTDIR' ? 'is there already, and no folder' : `cannot be looked into (${message})`;
    throw new CreateError('ERR_CREATE_FOLDER', `${folder} ${problem}. Take another name, or another place.`);
  }
  if (found.length === 0) return;
  const some = found.slice(0, 3).join(', ') + (found.length > 3 ? ', …' : '');
  throw new CreateError(
    'ERR_CREATE_FOLDER',
    `${folder} is not empty (${some}), and nothing is ever overwritten. Take another name, or another place.`,
  );
}

/** npm leaves `.gitignore` out of what it publishes, and a manifest inside of a package is one of its own to some tools. */
function pathOf(file: string, { bare }: PackageName): string {
  return file
    .replace('_gitignore', '.gitignore')
    .replace('_package.json', 'package.json')
    .replaceAll('my-protocol', bare);
}

function filledIn(text: string, { full, bare, camel, pascal }: PackageName): string {
  const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { version: string };
  return text
    .replaceAll('@scope/my-protocol', full)
    .replaceAll('my-protocol', bare)
    .replaceAll('myProtocol', camel)
    .replaceAll('MyProtocol', pascal)
    .replaceAll('"^0.0.0"', `"^${version}"`);
}
