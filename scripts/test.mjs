#!/usr/bin/env node
// `npm test`: every check that CI runs, ending with the one line that counts them.
//   --quick     only the running Node, without building dist/
//   anything else goes to vitest (a file name, -t 'part of a title')
import { runAsCommand } from '../packages/core-native/scripts/command.mjs';
import { SetupError } from '../packages/core-native/scripts/setup-error.mjs';
import { buildPackages } from './build.mjs';
import { failureLines, NotRun, runChecks, summaryLine } from './checks.mjs';
import { buildDocs } from './docs.mjs';
import { chosenSeed, runSeeds, runSuiteUnderFaults } from './faults.mjs';
import { labCheck } from './lab/run-tests.mjs';
import { lintNative, lintTypeScript } from './lint.mjs';
import { ensureNode, otherNodeVersions } from './other-nodes.mjs';
import { rehearsalCheck } from './release/rehearsal-check.mjs';
import { runSanitized } from './sanitizers/run.mjs';
import { setup } from './setup.mjs';
import { typecheck } from './typecheck.mjs';
import { runVitest } from './vitest-run.mjs';

/** Enough that each fault is injected some dozens of times; seconds. */
const FAULT_SEEDS = 200;

const ONE = { passed: 1, failed: 0, skipped: 0 };

/** A check that is one command: its exit code decides. */
function command(title, run) {
  return {
    title,
    run: async () => {
      const code = await run();
      if (code !== 0) throw new Error(`exit code ${code}`);
      return ONE;
    },
  };
}

/** What has been asked of one Node need not be asked of every other. */
const EXCLUDED_ELSEWHERE = [
  // Servers of the benchmark run on Nodes of their own choice; who follows the tutorial takes half a minute on any.
  'bench/**',
  'scripts/test/tutorial.test.mjs',
  // Many inputs for code that touches neither Node nor the kernel.
  'packages/{reactor,tls,http-lite}/**/*.property.test.ts',
  'packages/http-lite/test/{vectors,fuzz,differential}.test.ts',
].flatMap((files) => ['--exclude', files]);

/** The suite again, with the binary that is already built: Node-API promises that it stays valid. */
function suiteOnOtherNode(version, filters) {
  return {
    title: `tests on Node ${version}, same addon`,
    isSuite: true,
    run: async () => {
      const node = await ensureNode(version).catch((error) => {
        throw new NotRun(`Node ${version} could not be fetched: ${error.message}`);
      });
      return runVitest(node, [...filters, ...EXCLUDED_ELSEWHERE]);
    },
  };
}

/** The suite once more, and the exchanges of `npm run faults`, under system calls that fail (docs/testing.md). */
function underFaults() {
  const seed = chosenSeed();
  return [
    {
      title: `tests under fault injection, seed ${seed}`,
      isSuite: true,
      run: () => runSuiteUnderFaults(seed),
    },
    command(`echo and HTTP under ${FAULT_SEEDS} seeds of fault injection`, () =>
      runSeeds({ first: seed, seeds: FAULT_SEEDS }),
    ),
  ];
}

/** The tests that reach the addon, with one that notices its own mistakes (docs/sanitizers.md). */
function sanitizers(filters) {
  return {
    title: 'sanitizers (ASan, UBSan, LSan)',
    isSuite: true,
    run: () =>
      runSanitized({ filters }).catch((error) => {
        throw error instanceof SetupError ? new NotRun(error.message) : error;
      }),
  };
}

function checksFor({ quick, filters, strict }) {
  return [
    command('lint (Biome)', lintTypeScript),
    command('lint (clang-format)', lintNative),
    command('type check', typecheck),
    ...(quick ? [] : [command('build', buildPackages), command('documentation site', buildDocs)]),
    {
      title: `tests on Node ${process.versions.node}`,
      isSuite: true,
      run: () => runVitest(process.execPath, filters),
    },
    ...(quick || filters.length > 0 ? [] : [rehearsalCheck({ strict }), ...underFaults(), labCheck()]),
    ...(quick ? [] : [sanitizers(filters)]),
    ...(quick ? [] : otherNodeVersions().map((version) => suiteOnOtherNode(version, filters))),
  ];
}

await runAsCommand(import.meta.url, async (args) => {
  const quick = args.includes('--quick');
  const filters = args.filter((arg) => arg !== '--quick');
  const strict = /^(1|true)$/i.test(process.env.CI ?? '');
  // Nothing else can work without the set-up; its failure ends the run, counted like any other.
  const first = await runChecks([{ title: 'set-up', run: () => setup().then(() => ONE) }], { strict });
  const results = first.every(({ failed }) => failed === 0)
    ? [...first, ...(await runChecks(checksFor({ quick, filters, strict }), { strict }))]
    : first;
  const { line, ok } = summaryLine(results);
  for (const failure of failureLines(results)) process.stdout.write(`\n${failure}`);
  process.stdout.write(`\n${line}\n`);
  process.exitCode = ok ? 0 : 1;
});
