// The rule of the architecture, "imports point down only", is held by Biome. These cases hold Biome's configuration.
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ROOT } from '../root.mjs';
import { toolPath } from '../tool.mjs';

const REFUSED = [
  ['core-native/src', "export { x } from '@sluice/reactor';"],
  ['reactor/src', "export { x } from '@sluice/tls';"],
  ['reactor/src', "import '@sluice/http-lite';"],
  ['tls/src', "export { x } from '@sluice/http-lite';"],
  ['tls/src', "export { x } from '@sluice/echo/deep/path';"],
  ['echo/src', "export { x } from '@sluice/core-native';"],
  ['echo/src', "export type { X } from '@sluice/tls';"],
  ['http-lite/src', "export { x } from '@sluice/echo';"],
  ['http-lite/src', "export const x = await import('@sluice/core-native');"],
  ['http-lite/src', "export { x } from '../../reactor/src/index.ts';"],
  ['http-lite/src/parts', "export { x } from '../../../tls/src/index.ts';"],
  ['reactor/test', "export { x } from '../../core-native/src/index.ts';"],
];

const ALLOWED = [
  ['reactor/src', "export { x } from '@sluice/core-native';"],
  ['tls/src', "export { x } from '@sluice/core-native';"],
  ['tls/src', "export { x } from '@sluice/reactor';"],
  ['echo/src', "export { x } from '@sluice/reactor';"],
  ['http-lite/src', "export type { X } from '@sluice/reactor';"],
  ['http-lite/src/parts', "export { x } from '../parser.ts';"],
  ['reactor/test', "export { x } from '../src/index.ts';"],
  ['http-lite/test', "export { x } from '@sluice/tls';"],
];

describe('the direction of imports', () => {
  let folder;
  let refusedFiles;
  const fileOf = (set, index) =>
    `packages/${set[index][0]}/${set === REFUSED ? 'refused' : 'allowed'}-${index}.ts`;

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'sluice-imports-'));
    const { vcs: _vcs, ...configuration } = JSON.parse(readFileSync(join(ROOT, 'biome.json'), 'utf8'));
    writeFileSync(join(folder, 'biome.json'), JSON.stringify(configuration));
    for (const set of [REFUSED, ALLOWED]) {
      for (const [index, [, source]] of set.entries()) {
        const path = join(folder, fileOf(set, index));
        mkdirSync(dirname(path), { recursive: true });
        writeFileSync(path, `${source}\n`);
      }
    }
    const biome = spawnSync(toolPath('biome'), ['lint', '--reporter=json', '.'], {
      cwd: folder,
      encoding: 'utf8',
    });
    refusedFiles = JSON.parse(biome.stdout)
      .diagnostics.filter(({ category }) => category === 'lint/style/noRestrictedImports')
      .map(({ location }) => location.path);
  });

  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it.each(REFUSED.map(([place, source], index) => ({ place, source, index })))(
    'refuses $source in $place',
    ({ index }) => {
      expect(refusedFiles).toContain(fileOf(REFUSED, index));
    },
  );

  it.each(ALLOWED.map(([place, source], index) => ({ place, source, index })))(
    'allows $source in $place',
    ({ index }) => {
      expect(refusedFiles).not.toContain(fileOf(ALLOWED, index));
    },
  );
});
