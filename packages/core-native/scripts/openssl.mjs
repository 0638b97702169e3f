#!/usr/bin/env node
// The static OpenSSL that the addon links: the one named by OPENSSL_ROOT_DIR, else ours, built once a machine.
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { cacheDirectory } from './cache-directory.mjs';
import { runAsCommand } from './command.mjs';
import { withFileLock } from './file-lock.mjs';
import { compileOpenssl } from './openssl-compile.mjs';
import { ADDED_FILES, buildKey, compilerIdentity, gccVersion, OPENSSL } from './openssl-release.mjs';
import { inspectOpensslRoot } from './openssl-root.mjs';
import { ensureSource } from './openssl-source.mjs';
import { note } from './progress.mjs';
import { cCompiler, cxxCompiler, requirePerlModules, requireTools } from './required-tools.mjs';

/**
 * Returns `{ root, version }`: a prefix with `include/` and static libraries in `lib/`.
 * Takes about a minute the first time and milliseconds after; throws a SetupError that says what to do.
 */
export async function ensureOpenssl() {
  const ready = findOpenssl();
  if (ready !== undefined) return ready;
  return buildOnce(opensslPrefix(), {}, cCompiler());
}

/** Ours for another machine, made by `toolchain`: as for `compileOpenssl`, and the `arch` that is built for. */
export function ensureOpensslFor(toolchain) {
  const { env, arch } = toolchain;
  const identity = compilerIdentity(env.CC, { ...process.env, ...env });
  const prefix = join(cacheDirectory(), buildKey(identity, ADDED_FILES, arch));
  if (existsSync(prefix)) return { root: prefix, version: OPENSSL.version };
  return buildOnce(prefix, toolchain, 'perl');
}

async function buildOnce(prefix, toolchain, compiler) {
  requireTools(['perl', 'make', 'tar', compiler]);
  requirePerlModules();
  const waiting = (holder) => note(`waiting for another set-up (${holder}) that builds OpenSSL`);
  mkdirSync(cacheDirectory(), { recursive: true });
  await withFileLock(
    `${prefix}.lock`,
    async () => {
      // Whoever held the lock before us may have built it.
      if (existsSync(prefix)) return;
      await compileOpenssl(await ensureSource(cacheDirectory()), prefix, toolchain);
    },
    waiting,
  );
  return { root: prefix, version: OPENSSL.version };
}

/** As `ensureOpenssl`, but undefined instead of building. */
export function findOpenssl() {
  if (process.env.OPENSSL_ROOT_DIR) return inspectOpensslRoot(process.env.OPENSSL_ROOT_DIR);
  const prefix = opensslPrefix();
  return existsSync(prefix) ? { root: prefix, version: OPENSSL.version } : undefined;
}

/**
 * True if the addon's compiler can optimize our OpenSSL together with it: only the GCC that has compiled that understands what it
 * has left for the purpose.
 */
export function isOptimizedTogether(env = process.env) {
  if (env.OPENSSL_ROOT_DIR) return false;
  const version = gccVersion(compilerIdentity(cCompiler(env), env));
  return version !== undefined && version === gccVersion(compilerIdentity(cxxCompiler(env), env));
}

function opensslPrefix() {
  return join(cacheDirectory(), buildKey());
}

await runAsCommand(import.meta.url, async () => {
  const { root, version } = await ensureOpenssl();
  process.stdout.write(`${version} ${root}\n`);
});
