#!/usr/bin/env node
// `npm run openssl:tests`: compiles OpenSSL as we change it, with its own tests, and runs those of TLS, certificates and what TLS
// computes with (docs/testing.md). What our changes make fail is listed in openssl-tests/expected-failures.mjs.
//   anything else names tests of OpenSSL's: test_sslapi 'test_evp*'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { cacheDirectory } from '../packages/core-native/scripts/cache-directory.mjs';
import { runAsCommand } from '../packages/core-native/scripts/command.mjs';
import { onInterruption } from '../packages/core-native/scripts/interruption.mjs';
import { unpackChanged } from '../packages/core-native/scripts/openssl-compile.mjs';
import { CONFIGURE_FLAGS, OPENSSL } from '../packages/core-native/scripts/openssl-release.mjs';
import { ensureSource } from '../packages/core-native/scripts/openssl-source.mjs';
import { runStep } from '../packages/core-native/scripts/progress.mjs';
import {
  cCompiler,
  requirePerlModules,
  requireTools,
} from '../packages/core-native/scripts/required-tools.mjs';
import { runLogged } from '../packages/core-native/scripts/run-logged.mjs';
import { SetupError } from '../packages/core-native/scripts/setup-error.mjs';
import { EXPECTED_FAILURES } from './openssl-tests/expected-failures.mjs';
import { compareFailures, failuresIn } from './openssl-tests/failures.mjs';

/** Whatever our changes could reach. */
const TESTS = [
  ...['test_ssl*', 'test_tls*', 'test_evp*', 'test_x509*', 'test_kdf*', 'test_hmac', 'test_bad*'],
  ...['test_asyncio', 'test_clienthello*', 'test_comp', 'test_dane', 'test_fatalerr', 'test_key_share'],
  ...['test_recordlen', 'test_renegotiation', 'test_rpk', 'test_servername', 'test_sess*'],
];
/** Without them there is nothing to run. */
const LEFT_OUT = ['no-tests', 'no-apps'];

/** Resolves with `{ failures, counts }`: counts as OpenSSL's harness prints them. */
async function runTests(tests) {
  requireTools(['perl', 'make', 'tar', cCompiler()]);
  requirePerlModules();
  const cache = cacheDirectory();
  mkdirSync(cache, { recursive: true });
  const tarball = await ensureSource(cache);
  const source = mkdtempSync(join(cache, 'openssl-tests-'));
  const remove = () => rmSync(source, { recursive: true, force: true });
  const forget = onInterruption(remove);
  try {
    return await compileAndRun(source, tarball, tests);
  } finally {
    forget();
    remove();
  }
}

async function compileAndRun(source, tarball, tests) {
  const log = `${cacheDirectory()}/openssl-tests.log`;
  rmSync(log, { force: true });
  const { MAKEFLAGS: _flags, MAKELEVEL: _level, ...env } = process.env;
  const run = (command, args, onLine) => runLogged(command, args, { log, cwd: source, env, onLine });
  const jobs = availableParallelism();
  await runStep(`OpenSSL ${OPENSSL.version} with its tests: compile`, async () => {
    await unpackChanged(tarball, source, run);
    await run(
      './Configure',
      CONFIGURE_FLAGS.filter((flag) => !LEFT_OUT.includes(flag)),
    );
    await run('make', [`-j${jobs}`, 'build_programs']);
  });
  const lines = [];
  const test = ['test', `HARNESS_JOBS=${jobs}`, `TESTS=${tests.join(' ')}`];
  await runStep(`OpenSSL ${OPENSSL.version}: its tests`, async () => {
    try {
      await run('make', test, (line) => lines.push(line));
    } catch (error) {
      // That some fail is expected; that none ran is not.
      if (countsIn(lines) === undefined) throw error;
    }
  });
  const counts = countsIn(lines);
  if (counts === undefined) throw new SetupError(`OpenSSL's tests said nothing; their log is in ${log}`);
  return { failures: failuresIn(lines.join('\n')), counts };
}

const countsIn = (lines) => lines.findLast((line) => /^Files=\d+, Tests=[1-9]/.test(line));

await runAsCommand(import.meta.url, async (args) => {
  const { failures, counts } = await runTests(args.length > 0 ? args : TESTS);
  const { more, fewer } = compareFailures(failures, EXPECTED_FAILURES);
  // Who names tests does not run them all.
  const missing = args.length > 0 ? [] : fewer;
  for (const failure of more) process.stdout.write(`failed: ${failure}\n`);
  for (const failure of missing) process.stdout.write(`did not fail, and is expected to: ${failure}\n`);
  const expected = failures.length - more.length;
  process.stdout.write(
    `${counts}\n${expected} failed as expected, ${more.length} otherwise, ${missing.length} expected in vain\n`,
  );
  process.exitCode = more.length + missing.length > 0 ? 1 : 0;
});
