// The licences of what is linked into a prebuilt binary, in its package: Apache-2.0 and MIT both ask for that.
// Rule: the texts are those that came with what was linked, never copies kept here.
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { OPENSSL } from '../../packages/core-native/scripts/openssl-release.mjs';
import { ROOT } from '../root.mjs';

const CORE = join(ROOT, 'packages', 'core-native', 'package.json');

/** Writes LICENSE and THIRD-PARTY-LICENSES into `folder`; `opensslRoot` is the prefix that was linked. */
export function writeLicences(folder, opensslRoot) {
  copyFileSync(join(ROOT, 'LICENSE'), join(folder, 'LICENSE'));
  const addonApi = dirname(createRequire(CORE).resolve('node-addon-api/package.json'));
  const { version } = JSON.parse(readFileSync(join(addonApi, 'package.json'), 'utf8'));
  const sections = [
    [
      `OpenSSL ${OPENSSL.version}, with the changes that @sluice/core-native lists in scripts/openssl-release.mjs (Apache-2.0)`,
      readFileSync(join(opensslRoot, 'LICENSE.txt'), 'utf8'),
    ],
    [`node-addon-api ${version} (MIT)`, readFileSync(join(addonApi, 'LICENSE.md'), 'utf8')],
    [
      'libstdc++ and libgcc of GCC 10 (GPL-3.0-or-later WITH GCC-exception-3.1)',
      'Linked under the GCC Runtime Library Exception, version 3.1, which allows conveying them as part of this file under\n' +
        'terms of our choice: https://www.gnu.org/licenses/gcc-exception-3.1.html\n',
    ],
  ];
  const rule = '='.repeat(100);
  const text = sections.map(([title, body]) => `${rule}\n${title}\n${rule}\n\n${body.trim()}\n`).join('\n');
  const intro = 'sluice.node contains, besides what LICENSE is about, parts of the following works.\n';
  writeFileSync(join(folder, 'THIRD-PARTY-LICENSES'), `${intro}\n${text}`);
}
