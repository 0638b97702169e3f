#!/usr/bin/env node
// `npm run publish:rehearsal`: everything between a commit and a stranger's server, on this machine: versions, packing, publishing
// to a registry, installing in a fresh project without a compiler, serving HTTPS (docs/packages.md).
//   --built-here   with the addon that this machine's set-up has built in place of the release's; as `npm test` does it
//   --no-build     dist/ is as it should be
//   --report FILE  the counts, as JSON
// Rule: works on a copy; the clone that it is started in stays as it is. What could not be tried is said, with the reason.
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { selfSigned } from '@sluice-internal/certificates';
import { runStep } from '../../packages/core-native/scripts/progress.mjs';
import { isOnPath } from '../../packages/core-native/scripts/required-tools.mjs';
import { SetupError } from '../../packages/core-native/scripts/setup-error.mjs';
import { buildPackages } from '../build.mjs';
import { NotRun } from '../checks.mjs';
import { ensureNode, otherNodeVersions } from '../other-nodes.mjs';
import { ensureVerdaccio, startRegistry } from './local-registry.mjs';
import { addonBuiltHere } from './rehearsal/built-here.mjs';
import { freshProject, install } from './rehearsal/fresh-project.mjs';
import { assertServes } from './rehearsal/https-answer.mjs';
import { copyTree, publishRelease, versionRelease } from './rehearsal/next-release.mjs';
import { buildAndServe } from './rehearsal/own-build.mjs';
import { requireRegistry } from './rehearsal/package-managers.mjs';
import { assertWellPacked } from './rehearsal/package-shape.mjs';
import { followTutorial } from './rehearsal/tutorial.mjs';
import { typeCheck } from './rehearsal/type-check.mjs';
import { PREBUILT_FILES, TARGETS } from './targets.mjs';

const INSTALLS = ['npm', 'npm --ignore-scripts', 'pnpm'];
const MARKS = { passed: '✓', failed: '✗', notRun: '-', leftOut: '-' };

const { values: flags } = parseArgs({
  options: {
    'built-here': { type: 'boolean', default: false },
    'no-build': { type: 'boolean', default: false },
    report: { type: 'string' },
  },
});
const folder = mkdtempSync(join(tmpdir(), 'sluice-rehearsal-'));
const results = [];
try {
  await rehearse();
} catch (error) {
  // What follows has nothing to stand on; that it did not run must not look like success.
  record('the rehearsal', error);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
const of = (outcome) => results.filter((result) => result.outcome === outcome);
process.stdout.write(
  `\n${results.map(({ title, outcome, note }) => `${MARKS[outcome]} ${title}: ${note}`).join('\n')}\n`,
);
const notRun = of('notRun').length > 0 ? `, ${of('notRun').length} not run` : '';
process.stdout.write(`${of('passed').length} passed, ${of('failed').length} failed${notRun}\n`);
if (flags.report !== undefined) writeFileSync(flags.report, JSON.stringify(results));
process.exitCode = of('failed').length === 0 ? 0 : 1;

async function rehearse() {
  if (!isOnPath('curl')) throw new NotRun('it asks with curl, which this machine has not got');
  if (!flags['built-here']) requireBinaries();
  requireRegistry();
  if (!flags['no-build'] && (await buildPackages()) !== 0) throw new SetupError('the packages do not build');
  await ensureVerdaccio().catch((error) => {
    throw new NotRun(`the registry could not be fetched: ${error.message}`);
  });
  const copy = join(folder, 'tree');
  await runStep('a copy of the tree', () => copyTree(copy, { withBinaries: !flags['built-here'] }));
  const versioned = await attempt('changeset status and version', () => versionRelease(copy));
  const prebuilt = await attempt('the platform package of this machine', () =>
    flags['built-here'] ? addonBuiltHere(copy) : 'of the release: npm run release:binaries',
  );
  if (!versioned || !prebuilt) return;
  const registry = await startRegistry(join(folder, 'registry'));
  try {
    if (await attempt('changeset publish', () => publishRelease(copy, registry))) await useIt(registry);
  } finally {
    await registry.stop();
  }
}

/** As strangers do. */
async function useIt(registry) {
  await attempt('publint and attw on the published tarballs', () => assertWellPacked(registry));
  const identity = await selfSigned({ name: 'localhost', dns: ['localhost'] });
  for (const version of [process.versions.node, ...otherNodeVersions()]) {
    for (const how of INSTALLS)
      await attempt(`Node ${version}, ${how}`, () => installAndServe(version, how, registry, identity));
  }
  await attempt('type check, moduleResolution node16 and bundler', () => typeCheck(folder, registry));
  await attempt('docs/write-a-protocol.md, word by word', () => followTutorial(folder, registry));
  const ownBuild = 'npx @sluice/core-native build';
  if (!flags['built-here']) await attempt(ownBuild, () => buildAndServe(folder, registry, identity));
  else
    leaveOut(
      ownBuild,
      'compiles for minutes what was compiled here just now; without --built-here it is tried',
    );
}

function requireBinaries() {
  const own = TARGETS[process.arch];
  for (const file of PREBUILT_FILES) {
    if (!existsSync(join(own.folder, file))) {
      throw new SetupError(
        `${own.name} has no ${file} yet: npm run release:binaries -- ${own.arch}, or take what is built: --built-here`,
      );
    }
  }
}

async function installAndServe(version, how, registry, identity) {
  const isOwn = version === process.versions.node;
  const node = isOwn
    ? process.execPath
    : await ensureNode(version).catch((error) => {
        throw new NotRun(`Node ${version} could not be fetched: ${error.message}`);
      });
  const project = freshProject(folder, node, registry);
  const installed = install(project, how);
  await assertServes(project, identity);
  return `${installed}, HTTPS answered`;
}

/** Whether it passed. */
async function attempt(title, action) {
  try {
    const note = await runStep(title, async () => action());
    results.push({ title, outcome: 'passed', note });
    return true;
  } catch (error) {
    record(title, error);
    return false;
  }
}

/** What is no part of this kind of rehearsal. */
function leaveOut(title, reason) {
  results.push({ title, outcome: 'leftOut', note: `left out: ${reason}` });
}

function record(title, error) {
  const outcome = error instanceof NotRun ? 'notRun' : 'failed';
  process.stderr.write(`${error.message}\n`);
  const [reason] = error.message.split('\n', 1);
  results.push({ title, outcome, note: outcome === 'notRun' ? `not run: ${reason}` : reason });
}
