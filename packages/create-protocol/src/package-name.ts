/**
 * The name of a package, and the names in its sources that come of it.
 *
 * Rule: what npm would not publish, or TypeScript not compile, is refused before anything is written, by what is wrong with it.
 */
import { isBuiltin } from 'node:module';
import { CreateError } from './errors.ts';

export interface PackageName {
  /** As it is published: `@acme/line-lengths`. */
  readonly full: string;
  /** The folder, and the files: `line-lengths`. */
  readonly bare: string;
  /** Functions: `lineLengths`. */
  readonly camel: string;
  /** Types: `LineLengths`. */
  readonly pascal: string;
}

/** https://docs.npmjs.com/cli/configuring-npm/package-json#name */
const MAX_LENGTH = 214;

/** Of JavaScript and TypeScript, where a function may not have that name. */
const RESERVED = new Set(
  (
    'arguments await break case catch class const continue debugger default delete do else enum eval export extends false ' +
    'finally for function if implements import in instanceof interface let new null package private protected public return ' +
    'static super switch this throw true try typeof var void while with yield undefined'
  ).split(' '),
);

/** Names that the files of the template use for something else. */
const USED = new Set([
  'answer',
  'assert',
  'broken',
  'check-option-names',
  'conn',
  'create-reactor',
  'chunk',
  'framing',
  'integer-option',
  'leave',
  'line',
  'lines',
  'options',
  'peer',
  'process',
  'reactor',
  'rest',
  'server',
  'suite',
  'test',
  'test-connection',
  'test-protocol',
]);

/** Throws `CreateError` (`ERR_CREATE_NAME`). */
export function packageName(full: string): PackageName {
  const [, scope, bare = full] = /^(?:@([^/]+)\/)?([^/]*)$/.exec(full) ?? [];
  const problem =
    (scope === undefined ? undefined : scopeProblem(scope)) ?? lengthProblem(full) ?? bareProblem(bare);
  if (problem !== undefined) {
    throw new CreateError(
      'ERR_CREATE_NAME',
      `'${full}' cannot be the name of the package: ${problem}. Take one like line-lengths, or @your-scope/line-lengths.`,
    );
  }
  const words = bare.split(/[-._]+/);
  const pascal = words.map((word) => word.charAt(0).toUpperCase() + word.slice(1)).join('');
  return { full, bare, pascal, camel: pascal.charAt(0).toLowerCase() + pascal.slice(1) };
}

function scopeProblem(scope: string): string | undefined {
  return /^[a-z0-9][a-z0-9._-]*$/.test(scope)
    ? undefined
    : 'a scope has small letters, digits, and - . _ between them';
}

function lengthProblem(full: string): string | undefined {
  return full.length > MAX_LENGTH ? `it is longer than ${MAX_LENGTH} characters` : undefined;
}

function bareProblem(bare: string): string | undefined {
  if (bare.includes('/'))
    return 'it is a path; run this in the folder that is to hold the new one, and give the name alone';
  if (bare === '') return 'it is empty';
  if (/[A-Z]/.test(bare)) return 'it has capital letters';
  if (!/^[a-z]/.test(bare)) return 'it does not begin with a letter';
  if (!/^[a-z0-9]+(?:[-._][a-z0-9]+)*$/.test(bare))
    return 'it has something else than letters, digits, and single - . _ between them';
  if (bare === 'node_modules' || isBuiltin(bare)) return 'it is a module of Node itself';
  if (RESERVED.has(bare)) return 'it is a word of JavaScript';
  if (USED.has(bare.replaceAll(/[._]/g, '-'))) return 'it has another meaning in the files that are made';
  return undefined;
}
