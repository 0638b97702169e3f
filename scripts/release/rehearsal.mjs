#!/usr/bin/env node
// `npm run publish:rehearsal`: everything between a commit and a stranger's server, on this machine: versions, packing, publishing
// to a registry, installing in a fresh project without a compiler, serving HTTPS (docs/packages.md).
// Rule: works on a copy; the clone that it is started in stays as it is. What could not be tried is said, with the reason.
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { selfSigned } from '@sluice-internal/certificates';
import { runStep } from '../../packages/core-native/scripts/progress.mjs';
import { isOnPath } from '../../packages/core-native/scripts/required-tools.mjs';
import { SetupError } from '../../packages/core-native/scripts/setup-error.mjs';
import { buildPackages } from '../build.mjs';
import { ensureNode, otherNodeVersions } from '../other-nodes.mjs';
import { startRegistry } from './local-registry.mjs';
import { freshProject, install } from './rehearsal/fresh-project.mjs';
import { assertServes } from './rehearsal/https-answer.mjs';
import { prepareRelease, publishRelease } from './rehearsal/next-release.mjs';
import { output } from './rehearsal/output.mjs';
import { buildAndServe } from './rehearsal/own-build.mjs';
import { assertWellPacked } from './rehearsal/package-shape.mjs';
import { typeCheck } from './rehearsal/type-check.mjs';
import { PREBUILT_FILES, TARGETS } from './targets.mjs';

const INSTALLS = ['npm', 'npm --ignore-scripts', 'pnpm'];

const folder = mkdtempSync(join(tmpdir(), 'sluice-rehearsal-'));
const results = [];
try {
  requireBinaries();
  const copy = join(folder, 'tree');
  if ((await buildPackages()) !== 0) throw new SetupError('the packages do not build');
  await runStep('a copy of the tree, with its next version', () => prepareRelease(copy));
  const registry = await startRegistry(join(folder, 'registry'));
  try {
    await runStep('publish', () => publishRelease(copy, registry));
    await attempt('publint and attw on the published tarballs', () => assertWellPacked(registry));
    const identity = await selfSigned({ name: 'localhost', dns: ['localhost'] });
    for (const node of await everyNode()) {
      for (const how of INSTALLS)
        await attempt(`${versionOf(node)}, ${how}`, () => installAndServe(node, how, registry, identity));
    }
    await attempt('type check, moduleResolution node16 and bundler', () => typeCheck(folder, registry));
    await attempt('npx @sluice/core-native build', () => buildAndServe(folder, registry, identity));
  } finally {
    await registry.stop();
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
const failed = results.filter(({ ok }) => !ok).length;
process.stdout.write(
  `\n${results.map(({ title, ok, note }) => `${ok ? '✓' : '✗'} ${title}: ${note}`).join('\n')}\n`,
);
process.stdout.write(`${results.length - failed} passed, ${failed} failed\n`);
process.exitCode = failed === 0 ? 0 : 1;

function requireBinaries() {
  const own = TARGETS[process.arch];
  for (const file of PREBUILT_FILES) {
    if (!existsSync(join(own.folder, file))) {
      throw new SetupError(`${own.name} has no ${file} yet: npm run release:binaries -- ${own.arch}`);
    }
  }
  if (!isOnPath('curl')) throw new SetupError('the rehearsal asks with curl, which this machine has not got');
}

async function everyNode() {
  const nodes = [process.execPath];
  for (const version of otherNodeVersions()) nodes.push(await ensureNode(version));
  return nodes;
}

async function installAndServe(node, how, registry, identity) {
  const project = freshProject(folder, node, registry);
  const installed = install(project, how);
  await assertServes(project, identity);
  return `${installed}, HTTPS answered`;
}

async function attempt(title, action) {
  try {
    results.push({ title, ok: true, note: await runStep(title, async () => action()) });
  } catch (error) {
    process.stderr.write(`${error.message}\n`);
    results.push({ title, ok: false, note: error.message.split('\n', 1)[0] });
  }
}

function versionOf(node) {
  return output(node, ['--version'], { cwd: folder }).trim();
}
