#!/usr/bin/env node
// `npm run fuzz`: mutated requests against the HTTP parser, whole and in pieces (docs/http-parser.md).
//   --seconds N   how long (60)     --seed N   the first of the seeds (1)     --found   print inputs worth keeping
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { runAsCommand } from '../packages/core-native/scripts/command.mjs';
import { SetupError } from '../packages/core-native/scripts/setup-error.mjs';
import { ROOT } from './root.mjs';
import { setup } from './setup.mjs';
import { runTool } from './tool.mjs';

await runAsCommand(import.meta.url, async (args) => {
  const text = { type: 'string' };
  const { values } = parseArgs({ args, options: { seconds: text, seed: text, found: { type: 'boolean' } } });
  for (const name of ['seconds', 'seed']) {
    if (values[name] !== undefined && !/^\d{1,9}$/.test(values[name]))
      throw new SetupError(`--${name} must be a whole number; it is "${values[name]}"`);
  }
  await setup();
  const preload = pathToFileURL(join(ROOT, 'scripts', 'register-typescript.mjs')).href;
  const program = join(ROOT, 'packages', 'http-lite', 'test', 'fuzz', 'run-fuzz.ts');
  process.exitCode = await runTool(process.execPath, ['--import', preload, program, ...args], {});
});
