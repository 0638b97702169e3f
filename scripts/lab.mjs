#!/usr/bin/env node
// `npm run lab -- COMMAND [ARGUMENT...]`: runs a command in a kernel with TLS and a network that can be bad (docs/lab.md).
import { runAsCommand } from '../packages/core-native/scripts/command.mjs';
import { parseOptions, USAGE } from './lab/options.mjs';
import { runInLab } from './lab/run-in-lab.mjs';
import { runLabTests } from './lab/run-tests.mjs';
import { setup } from './setup.mjs';

await runAsCommand(import.meta.url, async (args) => {
  const { command, tests, ...options } = parseOptions(args);
  if (tests) {
    await setup();
    const { failed } = await runLabTests(command);
    process.exitCode = failed === 0 ? 0 : 1;
    return;
  }
  if (command.length === 0) {
    process.stdout.write(USAGE);
    return;
  }
  await setup();
  const { code, signal } = await runInLab(command, options);
  if (signal !== undefined) process.kill(process.pid, signal);
  else process.exitCode = code;
});
