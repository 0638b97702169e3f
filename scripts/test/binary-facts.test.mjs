import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { assertPortable, binaryFacts, portabilityProblems } from '../release/binary-facts.mjs';
import { GLIBC_FLOOR, PREBUILT_FILES, TARGETS } from '../release/targets.mjs';

const fine = { arch: 'x64', libraries: ['libc.so.6', 'libm.so.6'], glibc: ['2.2.5', '2.31'], others: [] };

describe('a prebuilt binary', () => {
  it('may need the C library of the floor and nothing else', () => {
    expect(portabilityProblems(fine, TARGETS.x64)).toEqual([]);
  });

  it.each([
    [{ glibc: ['2.2.5', '2.34'] }, `it needs glibc 2.34, and ${GLIBC_FLOOR} is the floor`],
    [{ arch: 'arm64' }, 'it is for arm64, not for x64'],
    [{ libraries: ['libstdc++.so.6'] }, 'it needs libstdc++.so.6'],
    [{ others: ['GLIBCXX_3.4.29'] }, 'it needs symbols of the version GLIBCXX_3.4.29'],
  ])('is not shipped with %j', (difference, problem) => {
    expect(portabilityProblems({ ...fine, ...difference }, TARGETS.x64)).toEqual([problem]);
  });

  it('is read by what its own file says', () => {
    const facts = binaryFacts(process.execPath);
    expect(facts.arch).toBe(process.arch);
    expect(facts.libraries).toContain('libc.so.6');
    expect(facts.glibc).toContain(process.arch === 'x64' ? '2.2.5' : '2.17');
  });

  // Release builds are a command of their own (npm run release:binaries): where none was made there is none to look at.
  const built = Object.values(TARGETS).filter(({ folder }) => existsSync(join(folder, 'sluice.node')));
  it.runIf(built.length > 0)('keeps the promises of its package wherever one was built', () => {
    for (const target of built) {
      for (const file of PREBUILT_FILES) assertPortable(join(target.folder, file), target);
    }
  });
});

describe('a platform package', () => {
  it.each(Object.values(TARGETS))(
    'for $arch names its system and runs nothing when it is installed',
    (target) => {
      const manifest = JSON.parse(readFileSync(join(target.folder, 'package.json'), 'utf8'));
      expect(manifest).toMatchObject({
        name: target.name,
        os: ['linux'],
        cpu: [target.arch],
        libc: ['glibc'],
      });
      expect(manifest.scripts).toBeUndefined();
      expect(manifest.files).toEqual(
        expect.arrayContaining([...PREBUILT_FILES, 'THIRD-PARTY-LICENSES', 'sbom.cdx.json']),
      );
    },
  );
});
