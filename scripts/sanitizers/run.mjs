// Runs test files with the addon that has AddressSanitizer and UndefinedBehaviorSanitizer in it, in a stock node.
// See docs/sanitizers.md.
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ensureSanitizedAddon } from '../../packages/core-native/scripts/build.mjs';
import { withFileLock } from '../../packages/core-native/scripts/file-lock.mjs';
import { findSanitizerLibrary } from '../../packages/core-native/scripts/sanitizer-library.mjs';
import { ROOT } from '../root.mjs';
import { shellQuoted } from '../shell-quoted.mjs';
import { runVitest } from '../vitest-run.mjs';
import { readReports } from './reports.mjs';

const HERE = import.meta.dirname;
const PASS_ON = join(HERE, 'pass-on.cjs');

/**
 * Resolves with `{ passed, failed, skipped }`: vitest's counts, with a failure for each process that reported something
 * and one if the planted leak was not seen. Throws a SetupError where the compiler has no sanitizers.
 *
 *   `filters`   vitest's own arguments
 *   `preloads`  further libraries for every process; they stand between the addon and the sanitizer's
 *   `env`       further variables
 *   `deep`      whole stacks for memory that was lost inside of OpenSSL, ten times as slow
 */
export async function runSanitized({ filters = [], preloads = [], env = {}, deep = false } = {}) {
  const library = findSanitizerLibrary();
  const addon = await withFileLock(join(ROOT, '.cache', 'setup.lock'), ensureSanitizedAddon);
  const folder = mkdtempSync(join(tmpdir(), 'sluice-sanitizers-'));
  try {
    const reports = join(folder, 'reports');
    mkdirSync(reports);
    const counts = await runVitest(process.execPath, vitestArguments(filters), {
      nodeOptions: ['--require', PASS_ON],
      env: {
        ...process.env,
        ...env,
        SLUICE_ADDON: addon,
        SLUICE_SANITIZED_NODE: writeNode(folder, [...preloads, library]),
        SLUICE_SANITIZER_REPORTS: reports,
        ...sanitizerOptions(reports, deep),
      },
    });
    return withReports(counts, readReports(reports));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function vitestArguments(filters) {
  // A run of a few files has to prove itself too.
  const files = filters.length === 0 ? [] : [...filters, join(HERE, 'planted.test.mjs')];
  return ['--config', join(HERE, 'vitest.config.mjs'), ...files];
}

/** What tests, and vitest itself, start as node: this node with the libraries loaded first, after those a test asks for. */
function writeNode(folder, preloads) {
  const path = join(folder, 'node');
  const lines = [
    '#!/bin/sh',
    `export LD_PRELOAD="\${LD_PRELOAD:+$LD_PRELOAD }"${shellQuoted(preloads.join(' '))}`,
    `exec ${shellQuoted(process.execPath)} --require ${shellQuoted(PASS_ON)} "$@"`,
  ];
  writeFileSync(path, `${lines.join('\n')}\n`);
  chmodSync(path, 0o755);
  return path;
}

function sanitizerOptions(reports, deep) {
  // To both, for libubsan hands its path on to libasan, and then itself writes to standard error.
  const common = [`log_path="${join(reports, 'report')}"`, 'abort_on_error=1'];
  const asan = [
    ...common,
    'detect_leaks=1',
    // Leaks are judged by their reports, Node's own among them; everything else ends the process by a signal.
    'exitcode=0',
    'detect_stack_use_after_return=1',
    'strict_string_checks=1',
    'check_initialization_order=1',
    // How undefined behavior comes to be in the report too, with its stack.
    'handle_abort=1',
    'print_legend=0',
    // Another library may come first: it replaces other functions than the sanitizer does.
    'verify_asan_link_order=0',
    // Each frame with the library that it is in, named lines or not.
    'stack_trace_format="    #%n %p %F %L %M"',
    'malloc_context_size=16',
    // By frame pointers, which node and the addon have and OpenSSL has not. The other way is exact and ten times as slow.
    `fast_unwind_on_malloc=${deep ? 0 : 1}`,
  ];
  return {
    ASAN_OPTIONS: asan.join(':'),
    UBSAN_OPTIONS: [...common, 'print_stacktrace=1'].join(':'),
  };
}

function withReports(counts, { problems, planted, foreign }) {
  const failures = [...problems];
  if (planted === undefined)
    failures.push('the planted leak was not reported: this run would not see a real one');
  for (const failure of failures) process.stdout.write(`\n✗ ${failure}\n`);
  if (problems.some((problem) => /in CRYPTO_\w+ /.test(problem))) {
    process.stdout.write('\nFor the callers of OpenSSL: npm run sanitize -- --deep NAME.test.ts\n');
  }
  const proof = planted === undefined ? 'nowhere' : `at ${/planted_faults\.cc:\d+/.exec(planted)?.[0]}`;
  process.stdout.write(
    `sanitizers: processes with a report: ${problems.length}; the planted leak was seen ${proof}; ` +
      `${foreign} leaks of Node's own, without a part of the addon in them, not counted\n`,
  );
  return {
    ...counts,
    failed: counts.failed + failures.length,
    failures: [...counts.failures, ...failures],
  };
}
