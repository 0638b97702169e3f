#!/usr/bin/env node
// `npm run format`: rewrites every file the way `npm run lint` wants it.
import { runAsCommand } from '../packages/core-native/scripts/command.mjs';
import { nativeSources } from './native-sources.mjs';
import { setup } from './setup.mjs';
import { runTool, toolPath } from './tool.mjs';

await runAsCommand(import.meta.url, async () => {
  await setup();
  const files = nativeSources();
  const codes = [
    await runTool(toolPath('biome'), ['check', '--write', '.']),
    files.length === 0 ? 0 : await runTool(toolPath('clang-format'), ['-i', ...files]),
  ];
  process.exitCode = Math.max(...codes);
});
