// Builds OpenSSL from its verified tarball into a prefix.
// Rule: the prefix appears by one rename, complete, or not at all.
import {
  appendFileSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { availableParallelism } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { onInterruption } from './interruption.mjs';
import {
  ADDED_FILES,
  CHANGED_LINES,
  CONFIGURE_FLAGS,
  compilerIdentity,
  gccVersion,
  OPENSSL,
  OPTIMIZED_TOGETHER,
  OPTIMIZED_TOGETHER_FLAGS,
} from './openssl-release.mjs';
import { runStep } from './progress.mjs';
import { cCompiler } from './required-tools.mjs';
import { runLogged } from './run-logged.mjs';
import { SetupError } from './setup-error.mjs';

/**
 * Unpacks, configures, compiles and installs into `prefix`; everything said goes to `<prefix>.log`. For another machine
 * `toolchain` has `env`, which names its compiler, and `configureTarget`, what OpenSSL calls it.
 */
export async function compileOpenssl(tarball, prefix, toolchain = {}) {
  const log = `${prefix}.log`;
  removeLeftovers(prefix);
  rmSync(log, { force: true });
  const folder = mkdtempSync(`${prefix}.building-`);
  const remove = () => rmSync(folder, { recursive: true, force: true });
  const forget = onInterruption(remove);
  try {
    await compileIn(folder, tarball, log, toolchain);
    const installed = join(folder, 'install', 'usr');
    copyFileSync(join(folder, 'source', 'LICENSE.txt'), join(installed, 'LICENSE.txt'));
    // These name the prefix that was written into the library, not the folder that it is in.
    rmSync(join(installed, 'lib', 'pkgconfig'), { recursive: true, force: true });
    publish(installed, prefix);
  } finally {
    forget();
    remove();
  }
}

async function compileIn(folder, tarball, log, { env: chosen = {}, configureTarget }) {
  const source = join(folder, 'source');
  mkdirSync(source);
  const { MAKEFLAGS: _flags, MAKELEVEL: _level, ...env } = { ...process.env, ...chosen };
  const run = (command, args, onLine) => runLogged(command, args, { log, cwd: source, env, onLine });
  await runStep(`OpenSSL ${OPENSSL.version}: unpack and configure`, async () => {
    await unpackChanged(tarball, source, run);
    const target = configureTarget === undefined ? [] : [configureTarget];
    await run('./Configure', [...target, ...CONFIGURE_FLAGS]);
    if (gccVersion(compilerIdentity(cCompiler(env), env)) !== undefined) optimizeTogether(source);
  });
  const totalFiles = objectsOf(join(source, 'Makefile')).length || 1;
  const jobs = availableParallelism();
  await runStep(
    `OpenSSL ${OPENSSL.version}: compile ${totalFiles} files, ${jobs} at a time`,
    async (step) => {
      let files = 0;
      await run('make', [`-j${jobs}`, 'build_libs'], (line) => {
        if (/ -c -o \S+\.o /.test(line)) files += 1;
        step.update(`${Math.min(99, Math.floor((100 * files) / totalFiles))} %`);
      });
    },
  );
  await runStep(`OpenSSL ${OPENSSL.version}: install`, () =>
    run('make', ['install_dev', `DESTDIR=${join(folder, 'install')}`]),
  );
}

/** The source as we change it, into the empty folder `source`, in which `run` runs a program. */
export async function unpackChanged(tarball, source, run) {
  await run('tar', ['-xzf', tarball, '--strip-components=1']);
  for (const change of CHANGED_LINES) changeLine(source, change);
  for (const [file, from] of Object.entries(ADDED_FILES)) copyFileSync(from, join(source, file));
}

/** A version that says it in another way has to be looked at by a person. */
export function changeLine(source, { file, line, becomes }) {
  const path = join(source, file);
  const lines = readFileSync(path, 'utf8').split('\n');
  const found = lines.filter((each) => each === line).length;
  if (found !== 1) throw new SetupError(`${file} of OpenSSL has the line "${line}" ${found} times, not once`);
  writeFileSync(path, lines.map((each) => (each === line ? becomes : each)).join('\n'));
}

/** Has make give the compiler `flags` for the objects that `patterns` name: each has to name some. */
export function optimizeTogether(source, patterns = OPTIMIZED_TOGETHER, flags = OPTIMIZED_TOGETHER_FLAGS) {
  const makefile = join(source, 'Makefile');
  const objects = objectsOf(makefile);
  for (const pattern of patterns) {
    if (!objects.some((object) => isNamed(object, pattern)))
      throw new SetupError(`the Makefile of OpenSSL has no object ${pattern}`);
  }
  appendFileSync(makefile, `\n${patterns.join(' ')}: CNF_CFLAGS += ${flags}\n`);
}

/** As make(1) takes its patterns. */
export function isNamed(object, pattern) {
  const [start, end] = pattern.split('%');
  return end === undefined ? object === pattern : object.startsWith(start) && object.endsWith(end);
}

/** The objects that it has a rule for. */
const objectsOf = (makefile) => readFileSync(makefile, 'utf8').match(/^[^\s:]+\.o(?=: )/gm) ?? [];

function publish(installed, prefix) {
  try {
    renameSync(installed, prefix);
  } catch (error) {
    // Somebody who took our lock for stale was faster; what is there has the same key.
    if (error.code !== 'ENOTEMPTY' && error.code !== 'EEXIST') throw error;
  }
}

/** What an interrupted build (a power cut, SIGKILL) left behind. Called under the lock. */
function removeLeftovers(prefix) {
  const leftover = `${basename(prefix)}.building-`;
  for (const name of readdirSync(dirname(prefix))) {
    if (name.startsWith(leftover)) rmSync(join(dirname(prefix), name), { recursive: true, force: true });
  }
}
