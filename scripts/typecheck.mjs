#!/usr/bin/env node
// `npm run typecheck`: all packages, examples and tests in one program.
import { runAsCommand } from '../packages/core-native/scripts/command.mjs';
import { setup } from './setup.mjs';
import { runTool, toolPath } from './tool.mjs';

/** Resolves with tsc's exit code. */
export function typecheck() {
  return runTool(toolPath('tsc'), ['-p', 'tsconfig.json', '--pretty', 'false']);
}

await runAsCommand(import.meta.url, async () => {
  await setup();
  process.exitCode = await typecheck();
});
