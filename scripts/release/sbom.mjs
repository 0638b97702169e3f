// The bill of materials of a prebuilt binary, CycloneDX 1.6: what no package manager can see, for it is linked in.
// Rule: derived from what the build pins, and of nothing that differs between two builds of one commit.
import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { ADDED_FILES, CHANGED_LINES, OPENSSL } from '../../packages/core-native/scripts/openssl-release.mjs';
import { ROOT } from '../root.mjs';
import { PREBUILT_FILES } from './targets.mjs';

const CORE = join(ROOT, 'packages', 'core-native', 'package.json');

/** Writes sbom.cdx.json into the package of `target`, whose files are built. */
export function writeSbom(target, opensslVersion) {
  writeFileSync(
    join(target.folder, 'sbom.cdx.json'),
    `${JSON.stringify(sbomOf(target, opensslVersion), null, 2)}\n`,
  );
}

export function sbomOf(target, opensslVersion) {
  const { name, version } = readManifest(join(target.folder, 'package.json'));
  const root = npmComponent({ name, version, licence: 'MIT', type: 'library' });
  const files = PREBUILT_FILES.map((file) => ({
    type: 'file',
    'bom-ref': `file:${file}`,
    name: file,
    hashes: [{ alg: 'SHA-256', content: sha256(readFileSync(join(target.folder, file))) }],
  }));
  const linked = [openssl(opensslVersion), addonApi(), ...compilerRuntime()];
  return {
    $schema: 'http://cyclonedx.org/schema/bom-1.6.schema.json',
    bomFormat: 'CycloneDX',
    specVersion: '1.6',
    version: 1,
    metadata: { component: root },
    components: [...files, ...linked],
    dependencies: [
      { ref: root['bom-ref'], dependsOn: files.map((file) => file['bom-ref']) },
      { ref: files[0]['bom-ref'], dependsOn: linked.map((component) => component['bom-ref']) },
    ],
  };
}

/** Each change to OpenSSL's source is a patch of its pedigree, by the file that it changes. */
function openssl(version) {
  const changed = [
    ...new Set([...CHANGED_LINES.map(({ file }) => file), ...Object.keys(ADDED_FILES)]),
  ].sort();
  return {
    type: 'library',
    'bom-ref': `pkg:generic/openssl@${version}`,
    name: 'openssl',
    version,
    purl: `pkg:generic/openssl@${version}`,
    cpe: `cpe:2.3:a:openssl:openssl:${version}:*:*:*:*:*:*:*`,
    hashes: [{ alg: 'SHA-256', content: OPENSSL.sha256 }],
    licenses: [{ license: { id: 'Apache-2.0' } }],
    externalReferences: [{ type: 'distribution', url: OPENSSL.url }],
    pedigree: {
      patches: changed.map(() => ({ type: 'unofficial' })),
      notes: `Changed: ${changed.join(', ')}`,
    },
  };
}

function addonApi() {
  const { version } = readManifest(createRequire(CORE).resolve('node-addon-api/package.json'));
  return npmComponent({ name: 'node-addon-api', version, licence: 'MIT', type: 'library' });
}

function compilerRuntime() {
  return ['libstdc++', 'libgcc'].map((name) => ({
    type: 'library',
    'bom-ref': `pkg:generic/${encodeURIComponent(name)}@10.2.1`,
    name,
    version: '10.2.1',
    purl: `pkg:generic/${encodeURIComponent(name)}@10.2.1`,
    licenses: [{ expression: 'GPL-3.0-or-later WITH GCC-exception-3.1' }],
  }));
}

function npmComponent({ name, version, licence, type }) {
  const purl = `pkg:npm/${name.replace('@', '%40')}@${version}`;
  return { type, 'bom-ref': purl, name, version, purl, licenses: [{ license: { id: licence } }] };
}

const readManifest = (path) => JSON.parse(readFileSync(path, 'utf8'));
const sha256 = (bytes) => createHash('sha256').update(bytes).digest('hex');
