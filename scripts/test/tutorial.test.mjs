// The tutorial with the packages of this workspace as they lie here, without a registry. With real packages, npm and a registry
// it is followed by `npm run publish:rehearsal`.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { isOnPath } from '../../packages/core-native/scripts/required-tools.mjs';
import { follow } from '../docs/follow.mjs';
import { TUTORIAL_PAGE, TUTORIAL_PORTS, TUTORIAL_PROGRAMS } from '../docs/tutorial.mjs';
import { ROOT } from '../root.mjs';
import { shellQuoted } from '../shell-quoted.mjs';

const CREATE = join(ROOT, 'packages', 'create-protocol', 'src', 'cli.ts');
const NPMRC = 'update-notifier=false\nfund=false\naudit=false\noffline=true\n';
let home;

beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'sluice-newcomer-'));
});

afterEach(() => rmSync(home, { recursive: true, force: true }));

/** `node_modules` with each of these names, a link to where it is. */
function linking(packages) {
  const links = Object.entries(packages).map(
    ([name, target]) =>
      `mkdir -p node_modules/${name.includes('/') ? name.split('/')[0] : ''} && ln -s ${shellQuoted(target)} node_modules/${name}`,
  );
  return links.join('\n');
}

const ours = (name) => [`@sluice/${name}`, join(ROOT, 'packages', name)];
const tool = (name) => [name, join(ROOT, 'node_modules', name)];

/** What needs a registry, by what comes to the same without one. */
const INSTEAD = new Map([
  ['npm create --yes @sluice/protocol @acme/tally', `node ${shellQuoted(CREATE)} @acme/tally`],
  [
    'npm install',
    linking(
      Object.fromEntries([
        ours('reactor'),
        tool('tsx'),
        tool('typescript'),
        tool('@types/node'),
        tool('.bin'),
      ]),
    ),
  ],
  ['npm publish --access public', 'npm run prepublishOnly && echo + @acme/tally@0.1.0'],
  [
    'npm install @acme/tally @sluice/reactor @sluice/tls',
    linking({ '@acme/tally': '../../../tally', ...Object.fromEntries([ours('reactor'), ours('tls')]) }),
  ],
]);

const missing = TUTORIAL_PROGRAMS.filter((name) => !isOnPath(name));

test.skipIf(missing.length > 0)(
  `docs/write-a-protocol.md leads to where it says${missing.length > 0 ? ` (this machine has no ${missing.join(', no ')})` : ''}`,
  async () => {
    writeFileSync(join(home, '.npmrc'), NPMRC);
    const cwd = join(home, 'work');
    mkdirSync(cwd);
    // The packages of the workspace are TypeScript.
    const loader = `--import=file://${ROOT}/node_modules/tsx/dist/loader.mjs`;
    const env = { PATH: process.env.PATH, HOME: home, NO_COLOR: '1', NODE_OPTIONS: loader };
    const used = new Set();
    const instead = (line) => {
      used.add(line);
      return INSTEAD.get(line) ?? line;
    };
    await follow(readFileSync(TUTORIAL_PAGE, 'utf8'), { cwd, env, ports: TUTORIAL_PORTS, instead });
    expect([...INSTEAD.keys()].filter((line) => !used.has(line))).toEqual([]);
  },
  120_000,
);
