// The compiler's AddressSanitizer, as the shared library that has to be loaded before anything else in a process whose
// program (node) was built without it.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { cxxCompiler } from './required-tools.mjs';
import { SetupError } from './setup-error.mjs';

/** What the sanitized addon is compiled and linked with: `-fsanitize=` of this. */
export const SANITIZERS = 'address,undefined';

/** The path of libasan.so; throws a SetupError where the compiler cannot link the two sanitizers as shared libraries. */
export function findSanitizerLibrary(env = process.env) {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-sanitizer-'));
  try {
    const probe = join(folder, 'probe.so');
    // CXX may be "ccache g++".
    const [program, ...words] = cxxCompiler(env).split(' ');
    const options = ['-x', 'c++', '-', '-shared', '-fPIC', `-fsanitize=${SANITIZERS}`, '-o', probe];
    const linked = run(program, [...words, ...options], env);
    if (linked.status !== 0) throw new SetupError(missingMessage(cxxCompiler(env), linked.output));
    const { output } = run('ldd', [probe], env);
    const path = asanOf(output);
    if (path === undefined) throw new SetupError(missingMessage(cxxCompiler(env), output));
    return path;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The library in the output of ldd(1); none for Clang, which by default wants it inside of the program. */
export function asanOf(lddOutput) {
  return /^\s*libasan\.so\S* => (\/\S+)/m.exec(lddOutput)?.[1];
}

function missingMessage(compiler, output) {
  return [
    `${compiler} cannot link AddressSanitizer and UndefinedBehaviorSanitizer as shared libraries:`,
    ...output
      .trim()
      .split('\n')
      .slice(-3)
      .map((line) => `    ${line}`),
    'It takes GCC with its libasan and libubsan:',
    '',
    '    apt-get install -y g++                      # Debian, Ubuntu: brings both',
    '    dnf install -y gcc-c++ libasan libubsan     # Fedora, RHEL',
    '',
    'and CXX=g++ where c++ is another compiler.',
  ].join('\n');
}

function run(program, args, env) {
  const { status, stdout, stderr, error } = spawnSync(program, args, { env, input: '', encoding: 'utf8' });
  return { status, output: error?.message ?? `${stderr}${stdout}` };
}
