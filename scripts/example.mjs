#!/usr/bin/env node
// `npm run example -- NAME [flags]`: runs examples/NAME.ts.
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { runAsCommand } from '../packages/core-native/scripts/command.mjs';
import { SetupError } from '../packages/core-native/scripts/setup-error.mjs';
import { ROOT } from './root.mjs';
import { runProgram } from './run-program.mjs';
import { setup } from './setup.mjs';

/** The path of the example called `name`; throws a SetupError that lists them all when there is none. */
export function findExample(name, folder = join(ROOT, 'examples')) {
  const names = exampleNames(folder);
  if (name !== undefined && names.includes(name)) return join(folder, `${name}.ts`);
  throw new SetupError(
    `${name === undefined ? 'which example?' : `there is no example "${name}".`} There are:\n\n` +
      `${names.map((each) => `    npm run example -- ${each}`).join('\n') || '    none'}`,
  );
}

function exampleNames(folder) {
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .filter((file) => file.endsWith('.ts') && !file.endsWith('.d.ts'))
    .map((file) => file.slice(0, -'.ts'.length))
    .sort();
}

await runAsCommand(import.meta.url, async ([name, ...flags]) => {
  const file = findExample(name);
  await setup();
  await runProgram(file, flags);
});
