import { describe, expect, it } from 'vitest';
import { SetupError } from '../../packages/core-native/scripts/setup-error.mjs';
import { findExample } from '../example.mjs';
import { otherNodeVersions } from '../other-nodes.mjs';
import { requirePlatform } from '../platform.mjs';

describe('the platform check', () => {
  it('accepts the machine that the tests run on', () => {
    expect(() => requirePlatform()).not.toThrow();
  });

  it('refuses another system and says how to get Linux', () => {
    expect(() => requirePlatform({ platform: 'darwin' })).toThrow(SetupError);
    expect(() => requirePlatform({ platform: 'darwin' })).toThrow(
      /Linux only; this is darwin(.|\n)*docker run/,
    );
  });

  it('refuses another processor', () => {
    expect(() => requirePlatform({ arch: 'ia32' })).toThrow('never run on ia32');
  });

  it.each(['20.16.0', '18.20.8', '9.11.2'])('refuses Node %s', (node) => {
    expect(() => requirePlatform({ node })).toThrow(`needs Node 20.17 or later; this is ${node}`);
  });

  it.each(['20.17.0', '22.0.0', '100.0.0'])('accepts Node %s', (node) => {
    expect(() => requirePlatform({ node })).not.toThrow();
  });
});

describe('the other versions of Node', () => {
  it('leave out the line that runs', () => {
    const lines = (running) => otherNodeVersions(running).map((version) => version.split('.')[0]);
    expect(lines('22.1.0')).toEqual(['20', '24']);
    expect(lines('26.0.0')).toEqual(['20', '22', '24']);
  });
});

describe('an example', () => {
  it('that does not exist is an error that names it', () => {
    expect(() => findExample('no-such')).toThrow('there is no example "no-such". There are:');
  });
});
