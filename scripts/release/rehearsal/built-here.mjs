// The platform package of this machine, with what its set-up has built in place of the release's binary.
// Rule: it is for rehearsing and goes nowhere else: its C library's floor is this machine's, and that is said.
import { copyFileSync, existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { findOpenssl } from '../../../packages/core-native/scripts/openssl.mjs';
import { isOnPath } from '../../../packages/core-native/scripts/required-tools.mjs';
import { SetupError } from '../../../packages/core-native/scripts/setup-error.mjs';
import { ROOT } from '../../root.mjs';
import { binaryFacts } from '../binary-facts.mjs';
import { writeLicences } from '../licences.mjs';
import { writeSbom } from '../sbom.mjs';
import { GLIBC_FLOOR, PREBUILT_FILES, TARGETS } from '../targets.mjs';
import { output } from './output.mjs';

const BUILT = join(ROOT, 'packages', 'core-native', 'build', 'Release');

/** Fills it in the tree `copy`, whose versions are set. Returns in words what it is. */
export function addonBuiltHere(copy) {
  const own = TARGETS[process.arch];
  const target = { ...own, folder: own.folder.replace(ROOT, copy) };
  for (const file of PREBUILT_FILES) {
    if (!existsSync(join(BUILT, file))) throw new SetupError(`there is no ${file} yet: npm run setup`);
    copyFileSync(join(BUILT, file), join(target.folder, file));
    if (isOnPath('strip')) output('strip', ['--strip-unneeded', join(target.folder, file)], { cwd: copy });
  }
  const openssl = findOpenssl();
  // An OpenSSL of one's own need not bring its licence; a release never has one.
  if (openssl !== undefined && existsSync(join(openssl.root, 'LICENSE.txt'))) {
    writeLicences(target.folder, openssl.root);
    writeSbom(target, openssl.version);
  }
  const addon = join(target.folder, PREBUILT_FILES[0]);
  const mib = (statSync(addon).size / 1024 / 1024).toFixed(1);
  const { glibc } = binaryFacts(addon);
  return `built here, ${mib} MiB, for glibc ${glibc.at(-1)} or later as this machine has it; a release's is for ${GLIBC_FLOOR}`;
}
