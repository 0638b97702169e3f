import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { flameGraph } from '../lib/flame-graph.ts';
import { foldStacks } from '../lib/folded-stacks.ts';
import { profilePage } from '../lib/profile-page.ts';
import type { SuiteProfile } from '../lib/profile-suite.ts';
import { PROFILED_UNITS } from '../lib/profiled-units.ts';
import { SUITES } from '../suites/index.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

const SCRIPT = `node
	ffffffff81234567 tcp_sendmsg+0x1c ([kernel.kallsyms])
	    7f0000001000 sluice::Send(Napi::CallbackInfo const&)+0x40 (/somewhere/build/Release/sluice.node)
	    7f0000002000 JS:*get flush file:///somebody/packages/reactor/dist/index.js:120:7+0x9c (/tmp/perf-1.map)
	         c494db v8::internal::(anonymous namespace)::Invoke<int>(int)+0x12b (/usr/bin/node)
	          27249 __libc_start_call_main+0x79 (/usr/lib/libc.so.6)

node
	ffffffff81234567 tcp_sendmsg+0x9 ([kernel.kallsyms])
	    7f0000001000 sluice::Send(Napi::CallbackInfo const&)+0x99 (/somewhere/build/Release/sluice.node)
	    7f0000002000 JS:*get flush file:///somebody/packages/reactor/dist/index.js:120:7+0x9c (/tmp/perf-1.map)
	         c494db v8::internal::(anonymous namespace)::Invoke<int>(int)+0x12b (/usr/bin/node)
	          27249 __libc_start_call_main+0x79 (/usr/lib/libc.so.6)

node
	    7f0000003000 aes_gcm_encrypt+0x1 (/somewhere/build/Release/sluice.node)
	    7f0000002000 JS:~ node:internal/timers:438:3+0x9c (/tmp/perf-1.map)
	               0 [unknown] ([unknown])
`;

describe('stacks', () => {
  const stacks = foldStacks(SCRIPT);

  it('that are equal but for addresses are one, outermost first, and tell no folder of the machine', () => {
    expect([...stacks]).toEqual([
      [
        'v8::internal::anonymous::Invoke;get flush packages/reactor/dist/index.js:120 [js];sluice::Send [addon];tcp_sendmsg [kernel]',
        2,
      ],
      ['(callers unknown);(anonymous) timers:438 [js];aes_gcm_encrypt [addon]', 1],
    ]);
  });

  it('are drawn as wide as their part of the samples, each in the colour of who it belongs to', () => {
    const graph = flameGraph('made up', stacks);
    expect(graph).toContain('made up, 3 samples');
    expect(graph).toContain('<title>tcp_sendmsg: 66.7 %</title><rect class="kernel" x="400.0"');
    expect(graph).toContain('<title>aes_gcm_encrypt: 33.3 %</title><rect class="addon" x="0.0"');
    expect(graph).not.toMatch(/<script|somewhere|somebody/);
  });

  it('that nobody could see are left out', () => {
    const many = new Map([
      ['wide', 100_000],
      ['narrow', 1],
    ]);
    expect(flameGraph('made up', many)).not.toContain('narrow');
  });
});

const tallies = { memoryCalls: {}, ofOtherThreads: {} };

const MADE_UP: SuiteProfile = {
  suite: 'http',
  measuredAt: '2026-01-02T00:00:00.000Z',
  machine: { processor: 'a processor', architecture: 'x64', processors: 2, kernel: '6.1.0', node: '20.0.0' },
  unit: 'request',
  single: [
    {
      case: 'plain, 1 connection',
      costs: {
        ...tallies,
        calls: { recv: 1, epoll_pwait: 2, fcntl: 0.001 },
        crossings: { recv: 1, send: 1 },
        allocations: 1.04,
        allocatedBytes: 12_345,
        heapBytes: 650.4,
      },
    },
  ],
  loaded: [
    {
      case: 'plain, 64 connections',
      units: 1_000,
      counts: { ...tallies, calls: { recv: 1_000, epoll_wait: 40 }, heap: { allocations: 2_000 } },
    },
  ],
};

describe('the page of profiles', () => {
  const page = profilePage([MADE_UP], new Set(['http']));

  it('tells what a unit costs alone and under load, and nothing that comes once in a hundred units', () => {
    expect(page).toContain(
      '| plain, 1 connection | epoll_pwait 2, recv 1 | recv 1, send 1 | 650 | 1 | 12,345 |',
    );
    expect(page).toContain('| plain, 64 connections | recv 1, epoll_wait 0.04 | 2 | 0 | 1,000 |');
  });

  it('says on what and when it was counted, and where the flame graph is', () => {
    expect(page).toContain('* a processor (x64), 2 processors, Linux 6.1.0, Node 20.0.0');
    expect(page).toContain('Counted on 2026-01-02.');
    expect(page).toContain('(profile/http.svg)');
    expect(profilePage([MADE_UP], new Set())).not.toContain('.svg');
  });

  it('is about cases that the suites have', () => {
    for (const [name, units] of Object.entries(PROFILED_UNITS)) {
      const suite = SUITES.find((candidate) => candidate.name === name);
      for (const unit of units) expect(suite?.cases).toContain(unit.case);
    }
  });

  it('as it stands comes from the counts as they stand', () => {
    const names = SUITES.map(({ name }) => name).filter((name) => PROFILED_UNITS[name] !== undefined);
    const profiles = names.map(
      (name) => JSON.parse(readFileSync(`${ROOT}bench/results/profile/${name}.json`, 'utf8')) as SuiteProfile,
    );
    const written = readFileSync(`${ROOT}docs/profile.md`, 'utf8');
    expect(written).toBe(profilePage(profiles, new Set(['http', 'https'])));
  });
});
