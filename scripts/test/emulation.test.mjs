import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { cCompiler, isOnPath } from '../../packages/core-native/scripts/required-tools.mjs';
import { starterSource } from '../emulation/arm-node.mjs';
import { isTooOld } from '../emulation/emulator.mjs';
import { EXCLUDED_TITLES } from '../emulation-exclusions.mjs';
import { ROOT } from '../root.mjs';

const tests = ['core-native', 'reactor']
  .flatMap((name) => ['src', 'test'].map((part) => join(ROOT, 'packages', name, part)))
  .flatMap((folder) =>
    readdirSync(folder, { recursive: true })
      .filter((file) => file.endsWith('.ts'))
      .map((file) => readFileSync(join(folder, file), 'utf8')),
  )
  .join('\n');

describe('what an emulated run leaves out', () => {
  it.each(EXCLUDED_TITLES.flatMap(({ titles }) => titles))('"%s" is still the title of a test', (title) => {
    // What follows may be one of several that the test is run with.
    expect(tests).toContain(title.split(' by ')[0]);
  });
});

it.each([
  ['qemu-aarch64 version 7.2.22 (Debian 1:7.2+dfsg-7+deb12u18+b3)', true],
  ['qemu-aarch64 version 9.1.0', true],
  ['qemu-aarch64 version 9.2.0', false],
  ['qemu-aarch64 version 10.0.13 (Debian 1:10.0.13+ds-0+deb13u1)\nCopyright (c) 2003-2025', false],
  ['something else', true],
])('an emulator without openat2(2) is known by what it says: %j', (text, expected) => {
  expect(isTooOld(text)).toBe(expected);
});

it('what starts the emulator hands every argument on, as it is', ({ skip }) => {
  if (!isOnPath(cCompiler())) skip('no C compiler');
  const folder = mkdtempSync(join(tmpdir(), 'sluice-starter-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const [program, ...words] = cCompiler().split(' ');
  const source = join(folder, 'starter.c');
  const command = [process.execPath, '-p', 'JSON.stringify(process.argv.slice(1))', '--', 'a "b" \\', ''];
  writeFileSync(source, starterSource(command));
  execFileSync(program, [...words, '-o', join(folder, 'starter'), source]);
  const said = execFileSync(join(folder, 'starter'), ['', 'two words', '$HOME'], { encoding: 'utf8' });
  expect(JSON.parse(said)).toEqual(['a "b" \\', '', '', 'two words', '$HOME']);
});
