#!/usr/bin/env node
// `npm run emulated [-- FILES]`: builds the arm64 binary and runs the tests of core-native and the reactor with it, in an arm64 node
// under an emulator (docs/testing.md).
//   --built   the arm64 binary that is there        --all   also what emulation-exclusions.mjs leaves out
//   anything else goes to vitest (a file name, -t 'part of a title')
import { existsSync } from 'node:fs';
import { join, relative } from 'node:path';
import { runAsCommand } from '../packages/core-native/scripts/command.mjs';
import { SetupError } from '../packages/core-native/scripts/setup-error.mjs';
import { failureLines, summaryLine } from './checks.mjs';
import { BINARIES, ensureArmNode, PASS_ON } from './emulation/arm-node.mjs';
import { EXCLUDED_TITLES } from './emulation-exclusions.mjs';
import { titlePattern } from './fault-exclusions.mjs';
import { buildBinary } from './release/build-binary.mjs';
import { TARGETS } from './release/targets.mjs';
import { ROOT } from './root.mjs';
import { setup } from './setup.mjs';
import { runTool } from './tool.mjs';
import { runVitest } from './vitest-run.mjs';

/** Resolves with the counts of the tests, those left out among the skipped. */
async function runEmulated({ filters, built, all }) {
  await setup();
  if (!built) await buildBinary(TARGETS.arm64);
  requireBinaries();
  const node = await ensureArmNode();
  const config = ['--config', join(ROOT, 'scripts', 'emulation', 'vitest.config.mjs')];
  const { SLUICE_ADDON: _, ...env } = process.env;
  // Whoever asks for titles gets them; vitest takes one pattern.
  const isByTitle = filters.some((filter) => /^(-t|--testNamePattern)\b/.test(filter));
  const left = all || isByTitle ? [] : ['--testNamePattern', titlePattern(EXCLUDED_TITLES)];
  return runVitest(node, [...config, ...left, ...filters], {
    nodeOptions: ['--require', PASS_ON],
    env,
    // vitest itself, which compiles and reports, is quicker on this machine's own node; all that runs tests is `node`.
    run: (_node, args, options) => runTool(process.execPath, args, options),
  });
}

function requireBinaries() {
  const missing = BINARIES.filter((path) => !existsSync(path));
  if (missing.length > 0) {
    const names = missing.map((path) => relative(ROOT, path)).join(' and no ');
    throw new SetupError(`there is no ${names}. To build it:\n\n    npm run release:binaries -- arm64`);
  }
}

await runAsCommand(import.meta.url, async (args) => {
  const ours = ['--built', '--all'];
  const filters = args.filter((arg) => !ours.includes(arg));
  const [built, all] = ours.map((option) => args.includes(option));
  const counts = await runEmulated({ filters, built, all });
  const results = [{ title: 'tests on arm64, emulated', isSuite: true, ...counts }];
  const { line, ok } = summaryLine(results);
  for (const failure of failureLines(results)) process.stdout.write(`\n${failure}`);
  process.stdout.write(`\n${line}\n`);
  process.exitCode = ok ? 0 : 1;
});
