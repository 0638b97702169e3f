import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { asanOf, findSanitizerLibrary } from '../../packages/core-native/scripts/sanitizer-library.mjs';
import { judge, readReports } from '../sanitizers/reports.mjs';

const MALLOC = '    #0 0x7f1 in __interceptor_malloc asan_malloc_linux.cpp:69 (libasan.so.8+0xb89cf)\n';
const STRING = '    #1 0x7f2 in std::string::_M_create (/lib/libstdc++.so.6+0x1) (libstdc++.so.6+0x1)\n';
const OURS = '    #1 0x7f3 in sluice::Epoll::Watch native/epoll.cc:7 (sluice.node+0x451)\n';
const OPENSSL = '    #1 0x7f4 in CRYPTO_malloc (/a/sluice.node+0x5) (sluice.node+0x5)\n';
const NODES =
  '    #1 0xc45 in v8::internal::Page::Page(v8::internal::Heap*, bool) (/usr/bin/node+0xc4) (node+0xc4)\n';
const PLANTED =
  '    #1 0x7f5 in Leak native/testing/planted_faults.cc:26 (sluice.node+0x45)\n    #2 0x7f6 in main (node+0x1)\n';

const leak = (...frames) => `Direct leak of 8 byte(s) in 1 object(s) allocated from:\n${frames.join('')}\n`;
const report = (...leaks) =>
  `\n${'='.repeat(65)}\n==17==ERROR: LeakSanitizer: detected memory leaks\n\n${leaks.join('')}` +
  `SUMMARY: AddressSanitizer: 8 byte(s) leaked in 1 allocation(s).\n`;

describe('a leak', () => {
  it('is a problem when the addon asked for the memory', () => {
    expect(judge(report(leak(MALLOC, OURS, NODES))).problem).toContain('native/epoll.cc:7');
  });

  it('is a problem when OpenSSL inside of the addon did', () => {
    expect(judge(report(leak(MALLOC, OPENSSL))).problem).toContain('CRYPTO_malloc');
  });

  it('is a problem when the C++ library did for the addon', () => {
    expect(judge(report(leak(MALLOC, STRING, OURS))).problem).toContain('_M_create');
  });

  it('is a problem when nobody knows who did', () => {
    expect(judge(report(leak(MALLOC))).problem).toContain('Direct leak');
  });

  it('is not when Node did, even in the course of a call of ours', () => {
    expect(judge(report(leak(MALLOC, NODES, OURS), leak(MALLOC, NODES)))).toEqual({
      problem: undefined,
      planted: undefined,
      foreign: 2,
    });
  });

  it('shows no others of the same process', () => {
    const { problem, foreign } = judge(report(leak(MALLOC, NODES), leak(MALLOC, OURS)));
    expect(problem).not.toContain('v8::');
    expect(foreign).toBe(1);
  });

  it("that was planted is no proof when OpenSSL's part of it was not seen", () => {
    const { problem, planted } = judge(report(leak(MALLOC, PLANTED)));
    expect(problem).toContain('planted_faults.cc:26');
    expect(planted).toBeUndefined();
  });

  it('that was planted is the proof of the run and no problem', () => {
    const { problem, planted } = judge(report(leak(MALLOC, PLANTED), leak(MALLOC, OPENSSL)));
    expect(problem).toBeUndefined();
    expect(planted).toContain('planted_faults.cc:26');
  });
});

describe('anything else', () => {
  it.each([
    '==9==ERROR: AddressSanitizer: heap-use-after-free on address 0x602\n    #0 0x7f in F native/a.cc:1 (node+0x1)\n',
    'native/socket.cc:50:23: runtime error: signed integer overflow\n',
    '==9==LeakSanitizer has encountered a fatal error.\n==9==HINT: LeakSanitizer does not work under ptrace\n',
    'the process of a.test.ts has something open: it did not end within 30 s\n',
  ])('is a problem as it is: %j', (text) => {
    expect(judge(text).problem).toBe(text.trim());
    expect(judge(report(leak(MALLOC, NODES)) + text).problem).toBe(text.trim());
  });
});

it('the reports of all processes are put together', () => {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-reports-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  writeFileSync(join(folder, 'report.1'), report(leak(MALLOC, NODES)));
  writeFileSync(join(folder, 'report.2'), report(leak(MALLOC, OURS)));
  writeFileSync(join(folder, 'report.3'), report(leak(MALLOC, PLANTED), leak(MALLOC, OPENSSL)));
  const { problems, planted, foreign } = readReports(folder);
  expect(problems).toHaveLength(1);
  expect(planted).toContain('planted_faults.cc');
  expect(foreign).toBe(1);
});

it('the library is the one that the dynamic linker finds', () => {
  expect(asanOf('\tlibasan.so.8 => /lib/libasan.so.8 (0x7f)\n\tlibc.so.6 => /lib/libc.so.6 (0x7f)\n')).toBe(
    '/lib/libasan.so.8',
  );
  expect(asanOf('\tlibasan.so.8 => not found\n')).toBeUndefined();
  expect(asanOf('\tlibc.so.6 => /lib/libc.so.6 (0x7f)\n')).toBeUndefined();
});

it('a compiler without sanitizers is told with the packages to install', () => {
  const compiler = { ...process.env, CXX: '/nonexistent/c++' };
  expect(() => findSanitizerLibrary(compiler)).toThrow(
    expect.objectContaining({
      name: 'SetupError',
      message: expect.stringMatching(/^\/nonexistent\/c\+\+ cannot link [\s\S]*apt-get install -y g\+\+/),
    }),
  );
});
