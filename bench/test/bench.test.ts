import { describe, expect, it } from 'vitest';
import { BenchError } from '../lib/bench-error.ts';
import { cpuSeconds, parseStatTicks } from '../lib/cpu-time.ts';
import { hardLimit, withDescriptors } from '../lib/descriptors.ts';
import { IdleConnections } from '../lib/idle-connections.ts';
import { LoadProcess } from '../lib/load-process.ts';
import { measureSuite, type SuiteResult } from '../lib/measure-suite.ts';
import { type Pinning, parseCpuList } from '../lib/pinning.ts';
import { markdownTable } from '../lib/report.ts';
import { runningNode } from '../lib/runtimes.ts';
import { ServerProcess } from '../lib/server-process.ts';
import { parseSettings } from '../lib/settings.ts';
import { percentile, summarize } from '../lib/statistics.ts';
import type { Suite } from '../lib/suite.ts';
import { requireTools } from '../lib/tools.ts';
import { TELLS_MEMORY, typescriptProgram } from '../lib/typescript-program.ts';
import { parseWrk } from '../lib/wrk.ts';
import { caseWithCredentials, PLAIN } from './support/cases.ts';

const UNPINNED: Pinning = { server: [], load: [], note: undefined };
const LOAD = { seconds: 1, pinning: UNPINNED, signal: new AbortController().signal };

const WRK = `Running 5s test @ http://127.0.0.1:8080/
  1 threads and 64 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency   670.00us    1.02ms  36.10ms   98.83%
    Req/Sec   101.42k     9.85k  118.00k    72.00%
  Latency Distribution
     50%  615.00us
     75%  640.00us
     90%  700.00us
     99%    2.10ms
  504300 requests in 5.00s, 63.96MB read
Requests/sec: 100834.62
Transfer/sec:     12.79MB
`;

describe('a report of wrk', () => {
  it('tells requests, rate and latency in milliseconds', () => {
    const report = parseWrk(WRK);
    expect(report).toEqual({
      requests: 504300,
      readBytes: 63.96 * 2 ** 20,
      requestsPerSecond: 100834.62,
      latencyP50Ms: 0.615,
      latencyP99Ms: 2.1,
    });
  });

  it.each([
    ['  Socket errors: connect 0, read 3, write 0, timeout 0\n', 'read 3'],
    ['  Non-2xx or 3xx responses: 12\n', '12'],
  ])('is refused when it tells of failures: %j', (line, detail) => {
    const report = WRK.replace('Requests/sec', `${line}Requests/sec`);
    expect(() => parseWrk(report)).toThrowError(BenchError);
    expect(() => parseWrk(report)).toThrowError(detail);
  });

  it('is refused when no request was completed', () => {
    expect(() => parseWrk('unable to connect\n')).toThrowError(/completed no request/);
  });
});

describe('CPU time', () => {
  it('is read from behind a program name with blanks and parentheses', () => {
    const stat = '42 (a (b) c) S 1 42 42 0 -1 4194560 100 0 0 0 150 50 7 7 20 0 11 0 100 1 1';
    expect(parseStatTicks(stat)).toBe(200);
  });

  it('of this process is above zero', () => {
    expect(cpuSeconds(process.pid)).toBeGreaterThan(0);
  });
});

describe('a list of processors', () => {
  it.each([
    ['0-3', [0, 1, 2, 3]],
    ['1', [1]],
    ['2,5-6', [2, 5, 6]],
    ['', []],
  ])('reads %j', (text, wanted) => {
    expect(parseCpuList(text)).toEqual(wanted);
  });
});

describe('a summary', () => {
  it('takes the middle value of an odd number, and the mean of the two middle ones of an even number', () => {
    expect(summarize([3, 1, 2])).toEqual({ median: 2, min: 1, max: 3 });
    expect(summarize([4, 1, 2, 3]).median).toBe(2.5);
  });

  it('tells percentiles by the nearest rank', () => {
    const values = Array.from({ length: 200 }, (_, index) => 200 - index);
    expect([50, 99, 100].map((percent) => percentile(values, percent))).toEqual([100, 198, 200]);
    expect(percentile([7], 99)).toBe(7);
  });
});

describe('descriptors', () => {
  const limits = (hard: string) =>
    `Limit  Soft  Hard  Units\nMax open files            64   ${hard}   files\n`;

  it('need nothing where the hard limit allows for them: Node raises the soft one by itself', () => {
    expect(hardLimit(limits('unlimited'))).toBe(Number.POSITIVE_INFINITY);
    expect(withDescriptors(1_000, limits('1000'))).toEqual([]);
  });

  it('that cannot be had are an error that says how to get them', () => {
    // More than /proc/sys/fs/nr_open may ever be.
    const tooMany = 2 ** 31;
    expect(() => withDescriptors(tooMany, limits('1024'))).toThrowError(BenchError);
    expect(() => withDescriptors(tooMany, limits('1024'))).toThrowError(
      /takes 2147483648 descriptors in one process, and 1024 are allowed here\. As root: ulimit -n 2147483648/,
    );
  });
});

describe('the table', () => {
  it('forms the ratio to each other server within the rounds of its case', () => {
    const series = (name: string, contender: string, values: number[]) => ({
      case: name,
      contender,
      samples: values.map((cpu) => ({ cpu })),
    });
    const result: SuiteResult = {
      suite: 'made-up',
      title: 'made up',
      measuredAt: '',
      settings: { rounds: 3, seconds: 1 },
      machine: {},
      contenders: [],
      absent: [],
      metrics: [{ name: 'cpu', title: 'µs', digits: 1 }],
      series: [series('plain', 'ours', [1, 2, 4]), series('plain', 'theirs', [2, 4, 16])],
    };
    expect(markdownTable(result).split('\n')).toEqual([
      '| case | server | µs | min to max | ours ÷ it |',
      '| --- | --- | --- | --- | --- |',
      '| plain | ours | 2.0 | 1.0 to 4.0 |  |',
      '| plain | theirs | 4.0 | 2.0 to 16.0 | **0.50** (0.25 to 0.50) |',
    ]);
  });

  it('tells the ratio of every metric that is compared, behind its figure', () => {
    const result: SuiteResult = {
      suite: 'made-up',
      title: 'made up',
      measuredAt: '',
      settings: { rounds: 1, seconds: 1 },
      machine: {},
      contenders: [],
      absent: [],
      metrics: [
        { name: 'p50', title: 'p50', digits: 0 },
        { name: 'p99', title: 'p99', digits: 0, compared: true },
        { name: 'count', title: 'count', digits: 0 },
      ],
      series: [
        { case: 'plain', contender: 'ours', samples: [{ p50: 1, p99: 3, count: 9 }] },
        { case: 'plain', contender: 'theirs', samples: [{ p50: 2, p99: 12, count: 8 }] },
      ],
    };
    expect(markdownTable(result).split('\n').slice(2)).toEqual([
      '| plain | ours | 1 | 1 to 1 | 3 | 9 |  |',
      '| plain | theirs | 2 | 2 to 2 | 12 (ratio 0.25) | 8 | **0.50** (0.50 to 0.50) |',
    ]);
  });
});

describe('what the person at the terminal can put right', () => {
  it('is a flag out of its range', () => {
    expect(() => parseSettings(['http', '--rounds', '0'])).toThrowError(BenchError);
    expect(() => parseSettings(['--fast'])).toThrowError(BenchError);
    expect(parseSettings(['http', '--seconds', '7'])).toEqual({ suites: ['http'], rounds: 3, seconds: 7 });
  });

  it('is a missing program, told with the command that installs it', () => {
    expect(() => requireTools({ 'no-such-program': 'some-package' })).toThrowError(
      'no-such-program is missing. On Debian and Ubuntu: sudo apt-get install some-package',
    );
  });
});

describe('a server process', () => {
  const { signal } = new AbortController();
  const script = (text: string) => [process.execPath, '-e', text];

  it('is ready when it says where it listens, and is gone after stop()', async () => {
    const idle = "console.log('starting'); console.log('listening on [::1]:81'); setInterval(() => {}, 1e6)";
    const server = await ServerProcess.start('idle', script(idle), signal);
    expect(server.authority).toBe('[::1]:81');
    await server.stop();
    expect(() => process.kill(server.pid, 0)).toThrowError(/ESRCH/);
  });

  it('that ends instead of listening is told with its own words', async () => {
    const started = ServerProcess.start(
      'broken',
      script("console.error('no such port'); process.exit(3)"),
      signal,
    );
    await expect(started).rejects.toThrowError(/"broken" did not start: it ended with 3\s+no such port/);
  });

  it('that is not there is told by name', async () => {
    const started = ServerProcess.start('absent', ['/nonexistent/server'], signal);
    await expect(started).rejects.toThrowError(/"absent" did not start: .*ENOENT/);
  });

  it('is ended when the run is interrupted while it starts', async () => {
    const interruption = new AbortController();
    const started = ServerProcess.start('silent', script('setInterval(() => {}, 1e6)'), interruption.signal);
    interruption.abort();
    await expect(started).rejects.toThrowError(/abort/i);
  });
});

describe('the servers of a suite', () => {
  const script = "console.log('listening on 127.0.0.1:81'); setInterval(() => {}, 1e6)";
  const suite = (servers?: Suite['servers']): Suite => ({
    name: 'made-up',
    title: 'made up',
    tools: {},
    cases: ['plain'],
    metrics: [{ name: 'pid', title: 'pid', digits: 0 }],
    contenders: [{ name: 'idle', runtime: runningNode, command: () => [process.execPath, '-e', script] }],
    ...(servers === undefined ? {} : { servers }),
    measure: async ({ pid }) => ({ pid }),
  });
  const pids = async (servers?: Suite['servers']) => {
    const { series } = await measureSuite(suite(servers), { rounds: 2, seconds: 1, suites: [] }, LOAD.signal);
    return series.flatMap(({ samples }) => samples.map((sample) => sample['pid'] ?? 0));
  };

  it('live as long as their case, and end with it', async () => {
    const [first = 0, second] = await pids();
    expect(second).toBe(first);
    expect(() => process.kill(first, 0)).toThrowError(/ESRCH/);
  });

  it('are made for each sample where the suite asks for that', async () => {
    const [first = 0, second = 0] = await pids('one-per-sample');
    expect(second).not.toBe(first);
    for (const pid of [first, second]) expect(() => process.kill(pid, 0)).toThrowError(/ESRCH/);
  });
});

describe('load generators of ours', () => {
  it.each(['examples/echo.ts', 'bench/servers/node-echo.ts'])(
    'hold idle connections, flood and ping %s, which tells its memory',
    async (file) => {
      const server = await ServerProcess.start(
        'echo',
        typescriptProgram(file, PLAIN, TELLS_MEMORY),
        LOAD.signal,
      );
      const idle = await IdleConnections.open(server, PLAIN, 401, LOAD);
      const flood = new LoadProcess('flood', [...server.endpoint, '2'], LOAD);
      const ping = new LoadProcess('ping', [...server.endpoint, '0'], LOAD);
      try {
        expect(await flood.says()).toEqual({ returned: expect.any(Number) });
        expect(await ping.says()).toEqual({ micros: [expect.any(Number)] });
        expect(await idle.left()).toBe(401);
        expect((await server.memory()).residentBytes).toBeGreaterThan(0);
      } finally {
        await Promise.all([idle, flood, ping].map((load) => load.stop()));
        await server.stop();
      }
      expect(() => process.kill(server.pid, 0)).toThrowError(/ESRCH/);
    },
  );

  it.each(['bench/servers/stalled-sluice.ts', 'bench/servers/stalled-node.ts'])(
    'stall in their handshakes with %s, beside newcomers who are served',
    async (file) => {
      await caseWithCredentials(async (sealed) => {
        const server = await ServerProcess.start('stalled', typescriptProgram(file, sealed), LOAD.signal);
        const { cert = '', key = '' } = sealed.credentials ?? {};
        const points = ['silent', 'half-hello', 'hello-1.3', 'hello-1.2', 'half-certificate'];
        const crowds = points.map(
          (point) => new LoadProcess('stalled', [...server.endpoint, '5', point, cert, key], LOAD),
        );
        const newcomers = new LoadProcess('newcomers', [...server.endpoint, '3'], LOAD);
        try {
          for (const crowd of crowds) expect(await crowd.says()).toEqual({ stalled: 5 });
          expect(await newcomers.says()).toEqual({ millis: Array(3).fill(expect.any(Number)) });
          for (const crowd of crowds) expect(await crowd.ask('open')).toEqual({ open: 5 });
        } finally {
          await Promise.all([...crowds, newcomers].map((load) => load.stop()));
          await server.stop();
        }
      });
    },
  );

  it.each(['bench/servers/reload-sluice.ts', 'bench/servers/reload-node.ts'])(
    'come at an even pace to %s, which renews its certificate',
    async (file) => {
      await caseWithCredentials(async (sealed) => {
        const server = await ServerProcess.start('reload', typescriptProgram(file, sealed), LOAD.signal);
        const paced = new LoadProcess('paced', [...server.endpoint, '50'], LOAD);
        try {
          expect(await paced.says()).toEqual({ began: true });
          expect(await server.ask(20)).toEqual({ done: 20 });
          const { served } = await paced.ask<{ served: number }>('how many');
          expect(served).toBeGreaterThan(0);
        } finally {
          await paced.stop();
          await server.stop();
        }
      });
    },
  );

  it('tell what they cannot do, which is an error of the run', async () => {
    const opened = IdleConnections.open({ endpoint: ['127.0.0.1', '1'] }, PLAIN, 5, LOAD);
    await expect(opened).rejects.toThrowError(/connection 0 of 5: .*ECONNREFUSED/);
  });
});
