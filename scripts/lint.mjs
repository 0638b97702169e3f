#!/usr/bin/env node
// `npm run lint`: Biome over TypeScript, JavaScript and JSON, clang-format over C++. Changes nothing.
import { runAsCommand } from '../packages/core-native/scripts/command.mjs';
import { nativeSources } from './native-sources.mjs';
import { setup } from './setup.mjs';
import { runTool, toolPath } from './tool.mjs';

/** Biome's exit code: formatting, lint rules and the direction of imports. */
export function lintTypeScript() {
  return runTool(toolPath('biome'), [
    'ci',
    '--error-on-warnings',
    `--colors=${process.stdout.isTTY ? 'force' : 'off'}`,
    '.',
  ]);
}

/** clang-format's exit code. */
export async function lintNative() {
  const files = nativeSources();
  if (files.length === 0) return 0;
  return runTool(toolPath('clang-format'), ['--dry-run', '--Werror', ...files]);
}

await runAsCommand(import.meta.url, async () => {
  await setup();
  const codes = [await lintTypeScript(), await lintNative()];
  process.exitCode = Math.max(...codes);
});
