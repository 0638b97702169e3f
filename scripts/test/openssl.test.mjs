import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { cacheDirectory } from '../../packages/core-native/scripts/cache-directory.mjs';
import {
  changeLine,
  isNamed,
  optimizeTogether,
} from '../../packages/core-native/scripts/openssl-compile.mjs';
import {
  buildKey,
  gccVersion,
  OPENSSL,
  OPTIMIZED_TOGETHER,
} from '../../packages/core-native/scripts/openssl-release.mjs';
import { inspectOpensslRoot } from '../../packages/core-native/scripts/openssl-root.mjs';
import { ensureSource, SourceMismatch } from '../../packages/core-native/scripts/openssl-source.mjs';
import { missingToolsMessage, requireTools } from '../../packages/core-native/scripts/required-tools.mjs';
import { SetupError } from '../../packages/core-native/scripts/setup-error.mjs';

let folder;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sluice-openssl-test-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe('the source of OpenSSL', () => {
  // Its steps are shown as they happen; among the results of tests they would look like failures.
  beforeEach(() => vi.spyOn(process.stderr, 'write').mockReturnValue(true));
  afterEach(() => vi.restoreAllMocks());

  const tarball = () => join(folder, 'downloads', OPENSSL.tarball);
  const unreachable = (name, reason) => ({ name, fetch: () => Promise.reject(new Error(reason)) });
  const sending = (name, content) => ({ name, fetch: async (target) => writeFileSync(target, content) });

  it('is refused from the cache when its hash differs, and the file is named', async () => {
    mkdirSync(join(folder, 'downloads'));
    writeFileSync(tarball(), 'not OpenSSL');
    const attempt = ensureSource(folder, []);
    await expect(attempt).rejects.toBeInstanceOf(SourceMismatch);
    await expect(attempt).rejects.toThrow(`expected sha256 ${OPENSSL.sha256}`);
    await expect(attempt).rejects.toThrow(`Remove that file`);
    await expect(attempt).rejects.toThrow(tarball());
  });

  it('is refused from a download when its hash differs, asks nobody else and leaves nothing behind', async () => {
    let asked = false;
    const next = { name: 'next', fetch: async () => (asked = true) };
    const attempt = ensureSource(folder, [sending('a mirror', 'something else'), next]);
    await expect(attempt).rejects.toThrow('the OpenSSL source from a mirror is not the one that Sluice pins');
    expect(asked).toBe(false);
    expect(existsSync(tarball())).toBe(false);
  });

  it('is looked for everywhere before the set-up gives up, with every reason', async () => {
    const attempt = ensureSource(folder, [unreachable('one', 'no answer'), unreachable('two', 'no apt-get')]);
    await expect(attempt).rejects.toBeInstanceOf(SetupError);
    await expect(attempt).rejects.toThrow(/one: no answer\n.*two: no apt-get/);
    await expect(attempt).rejects.toThrow(tarball());
  });
});

describe('a line of the source that is changed', () => {
  const change = { file: 'a.h', line: '# define MANY 32', becomes: '# define MANY 1' };
  const header = (text) => writeFileSync(join(folder, 'a.h'), text);

  it('is the whole line, and nothing else of the file', () => {
    header('# define MANY 32\n# define MANY 320\n');
    changeLine(folder, change);
    expect(readFileSync(join(folder, 'a.h'), 'utf8')).toBe('# define MANY 1\n# define MANY 320\n');
  });

  it.each([
    ['nothing\n', 0],
    ['# define MANY 32\n# define MANY 32\n', 2],
  ])('is an error where it is not there once: %j', (text, times) => {
    header(text);
    expect(() => changeLine(folder, change)).toThrow(
      `a.h of OpenSSL has the line "# define MANY 32" ${times} times, not once`,
    );
  });
});

describe('objects that are optimized together', () => {
  const makefile = ['a/one.o: a/one.c', '\tcc', 'b/two.o: b/two.c', ''].join('\n');
  const read = () => readFileSync(join(folder, 'Makefile'), 'utf8');
  beforeEach(() => writeFileSync(join(folder, 'Makefile'), makefile));

  it('get flags of their own', () => {
    optimizeTogether(folder, ['a/%.o', 'b/two.o'], '-flto');
    expect(read()).toBe(`${makefile}\na/%.o b/two.o: CNF_CFLAGS += -flto\n`);
  });

  it.each(['c/%.o', 'a/on.o', 'two.o'])('are an error where there are none: %s', (pattern) => {
    expect(() => optimizeTogether(folder, ['a/%.o', pattern], '-flto')).toThrow(
      `the Makefile of OpenSSL has no object ${pattern}`,
    );
    expect(read()).toBe(makefile);
  });

  it.each([
    'crypto/libcrypto-lib-cpuid.o',
    'crypto/libcrypto-lib-mem_clr.o',
    'crypto/bn/libcrypto-lib-bn_exp.o',
    'crypto/ec/libcrypto-lib-curve25519.o',
    'crypto/evp/libcrypto-lib-e_aes.o',
    'crypto/modes/libcrypto-lib-gcm128.o',
    'crypto/rsa/libcrypto-lib-rsa_pk1.o',
    'crypto/sha/libcrypto-lib-sha256.o',
    'providers/implementations/ciphers/libcommon-lib-ciphercommon_gcm.o',
    'ssl/record/methods/libcommon-lib-tls_pad.o',
    'ssl/record/methods/libdefault-lib-ssl3_cbc.o',
    'ssl/record/methods/libssl-lib-tls1_meth.o',
  ])('are not those that compute with secrets or clear them: %s', (object) => {
    expect(OPTIMIZED_TOGETHER.filter((pattern) => isNamed(object, pattern))).toEqual([]);
  });

  it('are compiled so by GCC alone', () => {
    expect(gccVersion('cc\nUsing built-in specs.\ngcc version 12.2.0 (Debian 12.2.0-14)\n')).toBe('12.2.0');
    expect(gccVersion('cc\nDebian clang version 14.0.6\nTarget: x86_64-pc-linux-gnu\n')).toBeUndefined();
  });
});

describe('OPENSSL_ROOT_DIR', () => {
  function install({ version = '3.0.22', libraries = ['libssl.a', 'libcrypto.a'], lib = 'lib' } = {}) {
    mkdirSync(join(folder, 'include', 'openssl'), { recursive: true });
    mkdirSync(join(folder, lib));
    writeFileSync(
      join(folder, 'include', 'openssl', 'opensslv.h'),
      `# define OPENSSL_VERSION_STR "${version}"\n`,
    );
    for (const name of libraries) writeFileSync(join(folder, lib, name), '');
    return folder;
  }

  it('is taken with its version', () => {
    expect(inspectOpensslRoot(install())).toEqual({ root: folder, version: '3.0.22' });
  });

  it('may keep its libraries in lib64', () => {
    expect(inspectOpensslRoot(install({ lib: 'lib64' })).version).toBe('3.0.22');
  });

  it('is refused without headers', () => {
    expect(() => inspectOpensslRoot(folder)).toThrow('it has no include/openssl/opensslv.h');
  });

  it('is refused without static libraries', () => {
    expect(() => inspectOpensslRoot(install({ libraries: ['libssl.a'] }))).toThrow(
      'it has no lib/libcrypto.a',
    );
  });

  it('is refused before version 3.0', () => {
    expect(() => inspectOpensslRoot(install({ version: '1.1.1' }))).toThrow('3.0 is the oldest that works');
  });
});

describe('missing tools', () => {
  it('are named all at once, with the commands that install them', () => {
    const attempt = () => requireTools(['perl', 'make'], { PATH: folder });
    expect(attempt).toThrow(SetupError);
    expect(attempt).toThrow('perl, make');
    expect(missingToolsMessage(['perl'])).toContain('apt-get install -y perl make g++ cmake');
    expect(missingToolsMessage(['perl'])).toContain('dnf install -y perl-core make');
  });

  it('are none when a compiler is named with a wrapper before it', () => {
    expect(() => requireTools(['sh -c anything'], { PATH: '/bin:/usr/bin' })).not.toThrow();
  });
});

describe('the cache', () => {
  it('is where SLUICE_CACHE_DIR says, else in the XDG cache folder, else in the home folder', () => {
    expect(cacheDirectory({ SLUICE_CACHE_DIR: '/a', XDG_CACHE_HOME: '/b' })).toBe('/a');
    expect(cacheDirectory({ XDG_CACHE_HOME: '/b' })).toBe('/b/sluice');
    expect(cacheDirectory({})).toMatch(/\/\.cache\/sluice$/);
  });

  it('keeps the libraries of different compilers apart', () => {
    expect(buildKey('gcc 12')).toBe(buildKey('gcc 12'));
    expect(buildKey('gcc 12')).not.toBe(buildKey('gcc 13'));
  });

  it('keeps the libraries with different files of ours in them apart', () => {
    const keyWith = (text) => {
      const file = join(folder, 'added.h');
      writeFileSync(file, text);
      return buildKey('gcc 12', { 'ssl/added.h': file });
    };
    expect(keyWith('int one;')).toBe(keyWith('int one;'));
    expect(keyWith('int one;')).not.toBe(keyWith('int two;'));
    expect(keyWith('int one;')).not.toBe(buildKey('gcc 12', {}));
  });
});
