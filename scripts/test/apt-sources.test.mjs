import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { findDebianArchive, findSecurityArchive } from '../../packages/core-native/scripts/apt-sources.mjs';
import { parseSources, versionWith } from '../../packages/core-native/scripts/debian-source.mjs';
import { archiveLine, archiveLines } from '../../packages/core-native/scripts/private-apt.mjs';

const SECURITY =
  'Types: deb\nURIs: http://mirror.example/debian-security\nSuites: bookworm-security\nComponents: main\n';
const KEYRING = '/usr/share/keyrings/debian-archive-keyring.gpg';
const MAIN = `Types: deb
# a snapshot, for the record
URIs: http://mirror.example/debian
Suites: bookworm bookworm-updates
Components: main
Signed-By: ${KEYRING}
`;

describe("the Debian archive in apt's own sources", () => {
  let etc;
  beforeEach(() => {
    etc = mkdtempSync(join(tmpdir(), 'sluice-apt-test-'));
    mkdirSync(join(etc, 'sources.list.d'));
  });
  afterEach(() => rmSync(etc, { recursive: true, force: true }));
  const part = (name, text) => writeFileSync(join(etc, 'sources.list.d', name), text);

  it('is read from a deb822 file, past the security archive', () => {
    part('debian.sources', `${SECURITY}\n${MAIN}`);
    expect(findDebianArchive(etc)).toEqual({
      uri: 'http://mirror.example/debian',
      suite: 'bookworm',
      signedBy: KEYRING,
    });
  });

  it('is read from a one-line file with options', () => {
    writeFileSync(
      join(etc, 'sources.list'),
      `# deb http://old.example/debian bookworm main\ndeb [arch=amd64 signed-by=${KEYRING}] http://mirror.example/debian/ bookworm main contrib # ours\n`,
    );
    expect(findDebianArchive(etc)).toEqual({
      uri: 'http://mirror.example/debian/',
      suite: 'bookworm',
      signedBy: KEYRING,
    });
  });

  it('is read from a one-line file without options', () => {
    writeFileSync(join(etc, 'sources.list'), 'deb http://mirror.example/debian bookworm main\n');
    expect(findDebianArchive(etc)).toEqual({
      uri: 'http://mirror.example/debian',
      suite: 'bookworm',
      signedBy: undefined,
    });
  });

  it("is found as the mirror list of Debian's cloud images", () => {
    part(
      'debian.sources',
      MAIN.replace('http://mirror.example/debian', 'mirror+file:///etc/apt/mirrors/debian.list'),
    );
    expect(findDebianArchive(etc)?.uri).toBe('mirror+file:///etc/apt/mirrors/debian.list');
  });

  it.each([
    [
      'a third party whose path ends in debian',
      'deb https://download.example/linux/debian bookworm stable\n',
    ],
    ['another distribution', 'deb http://archive.ubuntu.com/ubuntu noble main\n'],
    ['backports alone', 'deb http://mirror.example/debian bookworm-backports main\n'],
    ['the security archive', 'deb http://mirror.example/debian-security bookworm-security main\n'],
  ])('is not %s', (_what, text) => {
    part('other.list', text);
    expect(findDebianArchive(etc)).toBeUndefined();
  });

  it('is not a source that is switched off', () => {
    part('debian.sources', `Enabled: no\n${MAIN}`);
    expect(findDebianArchive(etc)).toBeUndefined();
  });

  it('is not there on a machine without apt', () => {
    expect(findDebianArchive(join(etc, 'nowhere'))).toBeUndefined();
  });

  it('is known beside the archive of its security updates', () => {
    part('debian.sources', `${MAIN}\n${SECURITY}`);
    const security = findSecurityArchive(etc);
    expect(security).toEqual({
      uri: 'http://mirror.example/debian-security',
      suite: 'bookworm-security',
      signedBy: undefined,
    });
    expect(archiveLines('deb-src', findDebianArchive(etc), security, 'trixie', etc).split('\n')).toEqual([
      `deb-src [signed-by=${KEYRING}] http://mirror.example/debian trixie main`,
      'deb-src http://mirror.example/debian-security trixie-security main',
      '',
    ]);
  });

  it('may come without that one', () => {
    part('debian.sources', MAIN);
    expect(findSecurityArchive(etc)).toBeUndefined();
    expect(archiveLines('deb-src', findDebianArchive(etc), undefined, 'trixie', etc)).not.toContain(
      'security',
    );
  });

  it('becomes one deb-src line, signed by the same keyring', () => {
    const archive = { uri: 'http://mirror.example/debian', suite: 'bookworm', signedBy: KEYRING };
    expect(archiveLine('deb-src', archive, 'trixie', etc)).toBe(
      `deb-src [signed-by=${KEYRING}] http://mirror.example/debian trixie main\n`,
    );
  });

  it('keeps a key that is written into the sources themselves', () => {
    const key = '-----BEGIN PGP PUBLIC KEY BLOCK-----\n .\n mQINBF\n -----END PGP PUBLIC KEY BLOCK-----';
    part('debian.sources', MAIN.replace(KEYRING, `\n ${key}`));
    const line = archiveLine('deb-src', findDebianArchive(etc), 'trixie', etc);
    expect(line).toContain(`[signed-by=${join(etc, 'archive-key.asc')}]`);
    expect(readFileSync(join(etc, 'archive-key.asc'), 'utf8')).toBe(
      '-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nmQINBF\n-----END PGP PUBLIC KEY BLOCK-----\n',
    );
  });
});

describe("the versions of Debian's source package", () => {
  const release = { version: '3.5.7', sha256: 'aaaa', debianSuite: 'trixie' };
  const stanza = (version, hash) => [
    'Package: openssl',
    `Version: ${version}`,
    'Files:',
    ` 0123 833 openssl_${version}.orig.tar.gz`,
    'Checksums-Sha256:',
    ` bbbb 2707 openssl_${version}.dsc`,
    ` ${hash} 53153930 openssl_${version}.orig.tar.gz`,
    'Homepage: https://openssl-library.org',
    ' cccc is no checksum',
    '',
  ];

  it('are told apart by the tarball that each holds: a newer one in the lists changes nothing', () => {
    const sources = parseSources([
      ...stanza('3.5.9-1~deb13u1', 'dddd'),
      ...stanza('3.5.7-1~deb13u2', 'aaaa'),
    ]);
    expect(sources).toEqual([
      { version: '3.5.9-1~deb13u1', sha256: ['bbbb', 'dddd'] },
      { version: '3.5.7-1~deb13u2', sha256: ['bbbb', 'aaaa'] },
    ]);
    expect(versionWith(release, sources)).toBe('3.5.7-1~deb13u2');
  });

  it('are named where none holds the pinned one', () => {
    const sources = parseSources(stanza('3.5.9-1~deb13u1', 'dddd'));
    expect(() => versionWith(release, sources)).toThrow(
      'trixie no longer carries OpenSSL 3.5.7 (it has 3.5.9-1~deb13u1)',
    );
    expect(() => versionWith(release, [])).toThrow('it has no version');
  });
});
