import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { BenchError } from '../lib/bench-error.ts';
import { type Answer, expectAnswer } from '../lib/expect-answer.ts';
import { bunPackage, denoPackage, pinnedNodeVersion } from '../lib/fetched-runtimes.mjs';
import { findContenders } from '../lib/find-contenders.ts';
import { measureSuite } from '../lib/measure-suite.ts';
import { parseRssAnon, residentBytes, settledResidentBytes } from '../lib/resident-memory.ts';
import type { Runtime } from '../lib/runtime.ts';
import { runningNode } from '../lib/runtimes.ts';
import { ServerProcess } from '../lib/server-process.ts';
import { isPartial, parseSettings } from '../lib/settings.ts';
import type { Contender, Suite } from '../lib/suite.ts';
import { http } from '../suites/http.ts';
import { caseWithCredentials, PLAIN } from './support/cases.ts';
import { withServer } from './support/with-server.ts';

const { signal } = new AbortController();
const LISTENS = "console.log('listening on 127.0.0.1:81'); setInterval(() => {}, 1e6)";
const GREETING: Answer = { type: 'text/plain', body: Buffer.from('Hello, World!') };

const absentRuntime: Runtime = {
  find: () => Promise.reject(new BenchError('no such thing for this machine')),
};

function contender(name: string, script = LISTENS, runtime = runningNode): Contender {
  return { name, runtime, command: (_each, program) => [program, '-e', script] };
}

function suite(...contenders: [Contender, ...Contender[]]): Suite {
  return {
    name: 'made-up',
    title: 'made up',
    tools: {},
    cases: ['plain', 'plain, twice'],
    metrics: [{ name: 'pid', title: 'pid', digits: 0 }],
    contenders,
    measure: async ({ pid }) => ({ pid }),
  };
}

const SETTINGS = { suites: [], rounds: 2, seconds: 1 };

describe('a peer that cannot be had', () => {
  it('is named with the reason, and everybody else is measured', async () => {
    const made = suite(contender('ours'), contender('gone', LISTENS, absentRuntime), contender('theirs'));
    const result = await measureSuite(made, SETTINGS, signal);
    expect(result.absent).toEqual([{ contender: 'gone', reason: 'no such thing for this machine' }]);
    expect(result.contenders.map(({ name }) => name)).toEqual(['ours', 'theirs']);
    expect(result.contenders[0]?.version).toBe(`Node ${process.versions.node}`);
    expect(result.series.map((series) => series.contender)).toEqual(['ours', 'theirs', 'ours', 'theirs']);
  });

  it('is an error of the run when it is ours', async () => {
    const made = suite(contender('ours', LISTENS, absentRuntime));
    await expect(findContenders(made)).rejects.toThrowError(BenchError);
    await expect(findContenders(made)).rejects.toThrowError('no such thing for this machine');
  });

  it('is not looked for when others are asked for', async () => {
    const made = suite(contender('ours'), contender('gone', LISTENS, absentRuntime), contender('theirs'));
    const { present, absent } = await findContenders(made, ['theirs']);
    expect(present.map((one) => one.contender.name)).toEqual(['ours', 'theirs']);
    expect(absent).toEqual([]);
  });

  it('has to be one that takes part', async () => {
    const found = findContenders(suite(contender('ours')), ['iis']);
    await expect(found).rejects.toThrowError('"iis" does not take part in made-up. There are: ours');
  });
});

describe('a peer that fails', () => {
  const broken = contender('broken', "console.error('no such port'); process.exit(3)");

  it('is left out of the case, with what it said', async () => {
    const result = await measureSuite(suite(contender('ours'), broken), SETTINGS, signal);
    expect(result.series.map((series) => series.contender)).toEqual(['ours', 'ours']);
    expect(result.absent).toEqual(
      ['plain', 'plain, twice'].map((name) => ({
        contender: 'broken',
        case: name,
        reason: expect.stringMatching(/^the server "broken" did not start: it ended with 3\s+no such port$/),
      })),
    );
  });

  it('in the middle of its rounds leaves no figure and no process', async () => {
    const pids: number[] = [];
    const made: Suite = {
      ...suite(contender('ours'), contender('theirs')),
      cases: ['plain'],
      measure: async ({ pid }) => {
        pids.push(pid);
        // Two to get warm, then ours last: theirs fails in its second round.
        if (pids.length === 6) throw new BenchError('it answered nonsense');
        return { pid };
      },
    };
    const result = await measureSuite(made, { ...SETTINGS, rounds: 3 }, signal);
    expect(result.series.map(({ samples }) => samples.length)).toEqual([3]);
    expect(result.absent).toEqual([{ contender: 'theirs', case: 'plain', reason: 'it answered nonsense' }]);
    for (const pid of pids) expect(() => process.kill(pid, 0)).toThrowError(/ESRCH/);
  });

  it('is an error of the run when it is ours', async () => {
    const run = measureSuite(suite({ ...broken, name: 'ours' }, contender('theirs')), SETTINGS, signal);
    await expect(run).rejects.toThrowError(/"ours" did not start/);
  });
});

describe('a part of a suite', () => {
  it('is asked for by peers and by words of its cases', async () => {
    const settings = parseSettings(['http', '--against', 'theirs, others', '--cases', 'twice']);
    expect(settings).toMatchObject({ against: ['theirs', 'others'], cases: 'twice' });
    const made = suite(contender('ours'), contender('theirs'), contender('others'), contender('more'));
    const { series } = await measureSuite(made, { ...settings, rounds: 1 }, signal);
    expect(series.map((each) => [each.case, each.contender])).toEqual(
      ['ours', 'theirs', 'others'].map((name) => ['plain, twice', name]),
    );
  });

  it('has the cases that take long only where they are asked for', async () => {
    const made: Suite = { ...suite(contender('ours')), cases: ['plain'], largeCases: ['plain, large'] };
    const casesOf = async (...flags: readonly string[]) => {
      const { series } = await measureSuite(made, { ...parseSettings(flags), rounds: 1 }, signal);
      return series.map((each) => each.case);
    };
    expect(await casesOf()).toEqual(['plain']);
    expect(await casesOf('--large')).toEqual(['plain', 'plain, large']);
    expect(await casesOf('--large', '--cases', 'large')).toEqual(['plain, large']);
  });

  it('is known as such, so that nobody takes it for the whole', () => {
    expect(isPartial(parseSettings(['http']))).toBe(false);
    expect(isPartial(parseSettings(['--against', 'bun']))).toBe(true);
    expect(isPartial(parseSettings(['--cases', 'plain']))).toBe(true);
  });
});

describe('what is fetched', () => {
  it('fits the processor', () => {
    expect(bunPackage('x64', 'flags : fpu avx avx2 bmi1')).toBe('@oven/bun-linux-x64');
    expect(bunPackage('x64', 'flags : fpu avx')).toBe('@oven/bun-linux-x64-baseline');
    expect(bunPackage('arm64', '')).toBe('@oven/bun-linux-aarch64');
    expect(denoPackage('arm64')).toBe('@deno/linux-arm64-glibc');
    expect(() => bunPackage('riscv64', '')).toThrowError('there is no Bun for riscv64');
    expect(() => denoPackage('riscv64')).toThrowError('there is no Deno for riscv64');
  });

  it('is a pinned Node of the line, unless that is the running one', () => {
    expect(pinnedNodeVersion(24, '20.1.0')).toMatch(/^24\.\d+\.\d+$/);
    expect(pinnedNodeVersion(20, '20.1.0')).toBeUndefined();
  });
});

describe('memory of a server', () => {
  it('is what the kernel counts of its own pages, its children with it', () => {
    expect(parseRssAnon('VmRSS:\t 100 kB\nRssAnon:\t      30 kB\nRssFile:\t 70 kB\n')).toBe(30 * 1024);
    expect(residentBytes(process.pid)).toBeGreaterThanOrEqual(
      parseRssAnon(readFileSync('/proc/self/status', 'utf8')) / 2,
    );
  });

  it('is waited for until it falls no more, which an interruption ends', async () => {
    expect(await settledResidentBytes(process.pid, signal)).toBeGreaterThan(0);
    const interruption = new AbortController();
    const settled = settledResidentBytes(process.pid, interruption.signal);
    interruption.abort();
    await expect(settled).rejects.toThrowError(/abort/i);
  });
});

describe('the answer', () => {
  it.for(http.contenders.map((each) => [each.name, each] as const))(
    'of %s is the one that all give, plain and over TLS 1.3',
    async ([, each], { skip }) => {
      await caseWithCredentials(async (sealed) => {
        for (const [scheme, one] of [
          ['http', PLAIN],
          ['https', sealed],
        ] as const) {
          const reason = await withServer(each, one, async (server) => {
            await expectAnswer(`${scheme}://${server.authority}/`, GREETING);
            expect(server.cpuSeconds()).toBeGreaterThanOrEqual(0);
            expect(server.residentBytes()).toBeGreaterThan(0);
          });
          if (reason !== undefined) skip(reason);
        }
      });
    },
  );

  it('that differs is an error, with the difference', async () => {
    const script = `
      const answers = { '/': [200, 'text/plain', 'Hello'], '/type': [200, 'text/html', 'Hello, World!'], '/status': [404, 'text/plain', ''] };
      require('node:http').createServer((req, res) => {
        const [status, type, body] = answers[req.url];
        res.writeHead(status, { 'content-type': type }).end(body);
      }).listen(0, '127.0.0.1', function () { console.log('listening on 127.0.0.1:' + this.address().port); });`;
    const server = await ServerProcess.start('different', [process.execPath, '-e', script], signal);
    const url = `http://${server.authority}`;
    try {
      const differs = (path: string) => expectAnswer(url + path, GREETING);
      await expect(differs('/')).rejects.toThrowError(BenchError);
      await expect(differs('/')).rejects.toThrowError(/5 bytes that are not the 13 wanted/);
      await expect(differs('/type')).rejects.toThrowError(/is of type text\/html, not text\/plain/);
      await expect(differs('/status')).rejects.toThrowError(/is answered with 404/);
    } finally {
      await server.stop();
    }
    await expect(expectAnswer(url, GREETING)).rejects.toThrowError(/is not answered: .*ECONNREFUSED/);
  });
});
