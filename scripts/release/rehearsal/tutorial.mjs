// docs/write-a-protocol.md, followed word by word with the published packages: real npm, a real registry, an empty folder.
// Rule: nothing of this clone is within reach but the registry; the only thing changed in the text is which ports are free.
import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { isOnPath } from '../../../packages/core-native/scripts/required-tools.mjs';
import { NotRun } from '../../checks.mjs';
import { follow } from '../../docs/follow.mjs';
import { TUTORIAL_PAGE, TUTORIAL_PORTS, TUTORIAL_PROGRAMS } from '../../docs/tutorial.mjs';
import { networkSettings, projectNpmrc } from './package-managers.mjs';

/** Follows it in a folder below `parent`. Returns the result in words. */
export async function followTutorial(parent, registry) {
  const missing = TUTORIAL_PROGRAMS.filter((name) => !isOnPath(name));
  if (missing.length > 0) throw new NotRun(`this machine has no ${missing.join(', no ')}`);
  const home = mkdtempSync(join(parent, 'newcomer-'));
  writeFileSync(join(home, '.npmrc'), `${projectNpmrc(registry)}@acme:registry=${registry.url}\n`);
  const folder = join(home, 'work');
  mkdirSync(folder);
  const path = [dirname(process.execPath), '/usr/local/bin', '/usr/bin', '/bin'].join(':');
  const env = { ...networkSettings(), PATH: path, HOME: home, NO_COLOR: '1' };
  const startedMs = performance.now();
  const done = await follow(readFileSync(TUTORIAL_PAGE, 'utf8'), { cwd: folder, env, ports: TUTORIAL_PORTS });
  const seconds = ((performance.now() - startedMs) / 1000).toFixed(0);
  return `${done.commands} blocks of commands, ${done.output} of output, ${done.file} files, in ${seconds} s`;
}
