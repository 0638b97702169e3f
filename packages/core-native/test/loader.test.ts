import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadNative, NativeLoadError, SluiceError } from '../src/index.ts';
import { addonOfOtherVersion, addonRefused, type System, thisSystem } from '../src/load-failure.ts';
import { addonPaths, loadAddon } from '../src/loader.ts';
import { assertSupportedPlatform } from '../src/platform.ts';

let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'sluice-loader-'));
});

afterAll(() => rmSync(folder, { recursive: true }));

function errorOf(call: () => unknown): NativeLoadError {
  try {
    call();
  } catch (error) {
    expect(error).toBeInstanceOf(NativeLoadError);
    expect(error).toBeInstanceOf(SluiceError);
    return error as NativeLoadError;
  }
  throw new Error('did not throw');
}

const GLIBC: System = { arch: 'x64', glibc: '2.36', installed: [], chosen: undefined };

function missing(system: Partial<System>): string {
  const error = errorOf(() => loadAddon(['/no/such.node'], () => ({ ...GLIBC, ...system })));
  expect(error.code).toBe('ERR_ADDON_MISSING');
  return error.message;
}

function refused(path: string, words: string, system: Partial<System> = {}): string {
  const error = addonRefused(path, new Error(words), { ...GLIBC, ...system });
  expect(error).toMatchObject({ code: 'ERR_ADDON_LOAD', cause: expect.any(Error) });
  expect(error.message).toContain(words);
  return error.message;
}

/** As much of an ELF file as tells its processor (elf(5)). */
function elfFor(machine: number): string {
  const path = join(folder, `machine-${machine}.node`);
  const header = Buffer.alloc(64);
  header.write('\x7fELF\x02\x01', 'latin1');
  header.writeUInt16LE(machine, 18);
  writeFileSync(path, header);
  return path;
}

describe('the reason why the addon did not load', () => {
  it('is musl where the C library is no glibc', () => {
    expect(missing({ glibc: undefined })).toContain('prebuilt binaries are for glibc');
    expect(refused(elfFor(62), 'ld-linux-x86-64.so.2: cannot open', { glibc: undefined })).toContain('musl');
  });

  it('is another machine where the package of another processor is installed', () => {
    const message = missing({ installed: ['arm64'] });
    expect(message).toContain('@sluice/core-native-linux-arm64-gnu is installed, and this is x64');
    expect(message).not.toContain('--include=optional');
  });

  it('is an empty package where the own one is installed', () => {
    expect(missing({ installed: ['x64'] })).toContain('there, without a binary in it');
  });

  it('is SLUICE_ADDON where that names a file which is not there', () => {
    expect(missing({ chosen: '/no/such.node' })).toContain('SLUICE_ADDON names it');
  });

  it('is the C library where it lacks a version', () => {
    const message = refused(elfFor(62), "libc.so.6: version `GLIBC_2.31' not found", { glibc: '2.28' });
    expect(message).toContain('needs glibc 2.31 or later, and this system has 2.28');
  });

  it('is the processor where the file is for another one', () => {
    expect(refused(elfFor(183), 'wrong ELF class')).toContain(
      'built for arm64, and this Node.js runs on x64',
    );
  });

  it('is the version where package and binary differ', () => {
    const error = addonOfOtherVersion('1.2.0', '1.1.0', 'x64');
    expect(error).toMatchObject({ name: 'NativeLoadError', code: 'ERR_ADDON_LOAD' });
    expect(error.message).toContain('is of version 1.2.0, and @sluice/core-native-linux-x64-gnu of 1.1.0');
  });

  it('is looked up on this system', () => {
    expect(thisSystem({ SLUICE_ADDON: '/x' })).toMatchObject({ arch: process.arch, chosen: '/x' });
    expect(thisSystem({}).glibc).toMatch(/^2\.\d+$/);
  });
});

describe('loading the addon', () => {
  it('answers the same binding each time', () => {
    expect(loadNative()).toBe(loadNative());
  });

  it('looks into the build folder of the package', () => {
    expect(addonPaths({})[0]).toMatch(/core-native\/build\/Release\/sluice\.node$/);
  });

  it('looks at the chosen file alone when there is one', () => {
    expect(addonPaths({ SLUICE_ADDON: '/some/where.node' })).toEqual(['/some/where.node']);
  });

  it('says what was tried and what to do when there is none', () => {
    const error = errorOf(() => loadAddon(['/no/such/first.node', '/no/such/second.node'], () => GLIBC));
    expect(error).toMatchObject({ name: 'NativeLoadError', code: 'ERR_ADDON_MISSING' });
    for (const words of [
      '/no/such/first.node',
      '/no/such/second.node',
      'npm run setup',
      'scripts/core-native.mjs build',
      '@sluice/core-native-linux-x64-gnu (prebuilt): not installed',
      'npm install --include=optional',
      'apt-get install',
    ]) {
      expect(error.message).toContain(words);
    }
  });

  it('gives the words of the dynamic linker when the file does not load', () => {
    const path = join(folder, 'broken.node');
    writeFileSync(path, 'this is no shared object');
    const error = errorOf(() => loadAddon([path]));
    expect(error).toMatchObject({ code: 'ERR_ADDON_LOAD', cause: expect.any(Error) });
    expect(error.message).toContain(path);
    expect(error.message).toMatch(/invalid ELF header|file too short/);
    expect(error.message).toContain('npm run setup');
  });
});

describe('the platform', () => {
  it.each(['x64', 'arm64'])('may be Linux on %s', (arch) => {
    expect(() => assertSupportedPlatform({ platform: 'linux', arch })).not.toThrow();
  });

  it.each([
    ['darwin', 'arm64'],
    ['win32', 'x64'],
    ['linux', 'ia32'],
  ])('may not be %s on %s', (platform, arch) => {
    const error = errorOf(() => assertSupportedPlatform({ platform, arch }));
    expect(error.code).toBe('ERR_PLATFORM');
    expect(error.message).toContain('Sluice needs Linux on x64 or arm64');
    expect(error.message).toContain(`${platform} on ${arch}`);
    expect(error.message).toContain('docker run');
  });
});
