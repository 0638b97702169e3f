#!/usr/bin/env node
// `npm run release:binaries [-- x64] [arm64]`: the prebuilt binaries, each into its package below platforms/ (docs/packages.md).
import { relative } from 'node:path';
import { runAsCommand } from '../../packages/core-native/scripts/command.mjs';
import { SetupError } from '../../packages/core-native/scripts/setup-error.mjs';
import { ROOT } from '../root.mjs';
import { setup } from '../setup.mjs';
import { binaryFacts } from './binary-facts.mjs';
import { buildBinary, buildFolder } from './build-binary.mjs';
import { TARGETS } from './targets.mjs';

const MIB = 1024 * 1024;

/** The targets that `args` name, all without any. */
export function chosenTargets(args) {
  const unknown = args.filter((arg) => !Object.hasOwn(TARGETS, arg));
  if (unknown.length > 0)
    throw new SetupError(
      `no such processor: ${unknown.join(', ')}. There are ${Object.keys(TARGETS).join(' and ')}.`,
    );
  return (args.length > 0 ? args : Object.keys(TARGETS)).map((arch) => TARGETS[arch]);
}

await runAsCommand(import.meta.url, async (args) => {
  const targets = chosenTargets(args);
  await setup();
  for (const target of targets) {
    const files = await buildBinary(target);
    process.stdout.write(`${target.name}\n`);
    for (const { file, bytes, debugBytes } of files) {
      const { glibc } = binaryFacts(`${target.folder}/${file}`);
      process.stdout.write(
        `  ${file}: ${(bytes / MIB).toFixed(2)} MiB, glibc ${glibc.at(-1)} or later; debug information ${(debugBytes / MIB).toFixed(2)} MiB\n`,
      );
    }
    process.stdout.write(`  debug information in ${relative(ROOT, buildFolder(target))}/debug\n`);
  }
});
