// The parts of the lab that need no kernel; what it does with one is tried in scripts/lab/test.
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { runChecks } from '../checks.mjs';
import { initScript } from '../lab/init-script.mjs';
import { modulesInOrder } from '../lab/modules.mjs';
import { labCheck } from '../lab/run-tests.mjs';
import { startLab } from '../lab/start-lab.mjs';
import { shellQuoted } from '../shell-quoted.mjs';

let folder;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sluice-lab-parts-'));
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true, force: true });
});

it('each module is loaded after those that it depends on, and what the kernel has built in is not', () => {
  const lines = [
    'kernel/net/tls/tls.ko:',
    'kernel/crypto/chacha_generic.ko: kernel/lib/libchacha.ko kernel/lib/base.ko',
    'kernel/lib/libchacha.ko: kernel/lib/base.ko',
    'kernel/lib/base.ko:',
    'kernel/net/sched/sch_netem.ko.xz:',
    'kernel/net/other.ko:',
  ];
  writeFileSync(join(folder, 'modules.dep'), `${lines.join('\n')}\n`);
  expect(modulesInOrder(folder).map((path) => path.slice(folder.length))).toEqual([
    '/kernel/lib/base.ko',
    '/kernel/lib/libchacha.ko',
    '/kernel/crypto/chacha_generic.ko',
    '/kernel/net/tls/tls.ko',
    '/kernel/net/sched/sch_netem.ko.xz',
  ]);
});

it('a word that is quoted is that word to a shell', () => {
  const words = ["it's", "''", '$HOME `id`', 'a\nb', '', '\\', '"', '*'];
  const { stdout } = spawnSync('sh', ['-c', `printf '%s\\0' ${words.map(shellQuoted).join(' ')}`]);
  expect(String(stdout).split('\0')).toEqual([...words, '']);
});

it('the script is one that a shell understands, whatever it is given', () => {
  const odd = `it's "$(id)" \`id\`\n;&|`;
  const script = initScript({
    folder: odd,
    busybox: odd,
    modules: [odd],
    command: [odd, odd],
    cwd: odd,
    env: { [odd]: odd },
    shaping: [odd],
  });
  expect(spawnSync('sh', ['-n'], { input: script, encoding: 'utf8' })).toMatchObject({
    status: 0,
    stderr: '',
  });
});

/** Packages whose kernel is a script. */
function fakePackages(text) {
  const kernel = join(folder, 'linux.uml');
  const modules = join(folder, '1.2.3');
  writeFileSync(kernel, `#!/bin/sh\n${text}\n`);
  chmodSync(kernel, 0o755);
  mkdirSync(modules);
  writeFileSync(join(modules, 'modules.dep'), '');
  return { folder, kernel, modules, release: '1.2.3', busybox: 'busybox' };
}

it('a kernel that may not run says why, and leaves no file', async () => {
  vi.stubEnv('SLUICE_CACHE_DIR', folder);
  const packages = fakePackages('echo "ptrace: Operation not permitted" >&2; exit 1');
  const { ended } = await startLab(['true'], { packages });
  await expect(ended).rejects.toMatchObject({
    name: 'SetupError',
    message: expect.stringMatching(
      /^the lab's kernel ended before its command did\.[\s\S]*ptrace: Operation not permitted$/,
    ),
  });
  expect(readdirSync(join(folder, 'lab-runs'))).toEqual([]);
});

it('a kernel of another release is started where its loader is, with its own C library', async () => {
  vi.stubEnv('SLUICE_CACHE_DIR', folder);
  const packages = { ...fakePackages('echo "$LD_LIBRARY_PATH $(pwd)" >&2; exit 1'), libraries: '/libraries' };
  const { ended } = await startLab(['true'], { packages });
  await expect(ended).rejects.toThrow(`/libraries ${folder}`);
});

it('whatever a kernel has started ends with it', async () => {
  vi.stubEnv('SLUICE_CACHE_DIR', folder);
  const { ended } = await startLab(['true'], { packages: fakePackages('sleep 1000 & exit 1') });
  // The sleep holds the outputs open: this would not come before its end.
  await expect(ended).rejects.toThrow('ended before its command did');
});

it('one that is ended from outside has no exit code', async () => {
  vi.stubEnv('SLUICE_CACHE_DIR', folder);
  const lab = await startLab(['true'], { packages: fakePackages('exec sleep 1000') });
  lab.end();
  expect(await lab.ended).toBeUndefined();
  expect(readdirSync(join(folder, 'lab-runs'))).toEqual([]);
});

it('a machine that cannot have the lab has its tests reported as not run, with the reason, in CI too', async () => {
  vi.stubEnv('PATH', folder);
  let output = '';
  const [result] = await runChecks([labCheck()], { strict: true, write: (text) => (output += text) });
  expect(result).toMatchObject({ passed: 0, failed: 0, skipped: 1 });
  expect(output).toMatch(
    /not run: (its kernel is a package of Debian's, and this machine has no apt-get|user-mode Linux exists for x64 only)/,
  );
});
