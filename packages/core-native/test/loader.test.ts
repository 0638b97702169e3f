import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadNative, NativeLoadError, SluiceError } from '../src/index.ts';
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

describe('loading the addon', () => {
  it('answers the same binding each time', () => {
    expect(loadNative()).toBe(loadNative());
  });

  it('looks into the build folder of the package', () => {
    expect(addonPaths({})).toEqual([expect.stringMatching(/core-native\/build\/Release\/sluice\.node$/)]);
  });

  it('looks at the chosen file alone when there is one', () => {
    expect(addonPaths({ SLUICE_ADDON: '/some/where.node' })).toEqual(['/some/where.node']);
  });

  it('says what was tried and what to do when there is none', () => {
    const error = errorOf(() => loadAddon(['/no/such/first.node', '/no/such/second.node']));
    expect(error).toMatchObject({ name: 'NativeLoadError', code: 'ERR_ADDON_MISSING' });
    for (const words of [
      '/no/such/first.node',
      '/no/such/second.node',
      'npm run setup',
      'npm rebuild',
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
