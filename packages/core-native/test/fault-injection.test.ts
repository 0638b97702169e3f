/** The library that injects faults, tried by itself: each fault at rate 1, and what it leaves alone. */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  FAULTS,
  type Fault,
  FaultControl,
  FaultInjectionError,
  faultInjection,
} from '../src/testing/index.ts';

const scenario = fileURLToPath(new URL('./fixtures/fault-scenario.ts', import.meta.url));

interface Report {
  readonly results: Record<Fault, unknown>;
  readonly whileOff: unknown;
  readonly leaked: number;
}

/** Runs a program under faults, which it chooses itself; answers what it printed. */
function runUnderFaults(
  env: NodeJS.ProcessEnv,
  ...args: string[]
): { status: number | null; stdout: string; stderr: string } {
  return spawnSync(process.execPath, args, {
    env: { ...process.env, ...env },
    encoding: 'utf8',
    timeout: 20_000,
  });
}

describe('each fault at rate 1', () => {
  let report: Report;
  let again: Report;

  beforeAll(() => {
    const faults = faultInjection({ seed: 1, rates: {} });
    try {
      const run = () => {
        const { stdout, stderr } = runUnderFaults(faults.env, '--import', 'tsx', scenario);
        expect(stderr).toBe('');
        return JSON.parse(stdout) as Report;
      };
      report = run();
      again = run();
      expect(faults.control.attached).toBe(2);
    } finally {
      faults.close();
    }
  });

  /** A call that failed in vain: the descriptor is as it was. */
  const unharmed = { peerReset: false, writable: false };

  const expected: Record<Fault, object> = {
    recvShort: { answers: [1], readable: true, after: 999, counted: 1, ...unharmed },
    recvAgain: { answers: [-1], readable: true, after: 1000, counted: 1, ...unharmed },
    // The addon tries again by itself, and gets through after three times.
    recvInterrupted: { answers: [1000], readable: false, after: -1, counted: 3, ...unharmed },
    sendShort: { answers: [55], writable: true, after: 1000, counted: 1 },
    sendAgain: { answers: [-2], writable: true, after: 1000, counted: 1 },
    sendInterrupted: { answers: [1000], after: 1000, counted: 3, ...unharmed },
    acceptAgain: { answers: [-1], readable: true, counted: 1 },
    acceptInterrupted: { answers: ['accepted'], counted: 3 },
    acceptAborted: { answers: ['ECONNABORTED'], readable: false, counted: 1 },
    acceptExhausted: { answers: ['ENOBUFS'], readable: false, counted: 1 },
    connectInterrupted: { answers: ['started', 0], counted: 1 },
    waitShort: { counts: [3, 1, 0, 0, 0, 0], slots: [0, 1, 2, 3], counted: 1 },
    waitInterrupted: { counts: [0, 0, 0, 4, 0, 0], slots: [0, 1, 2, 3], counted: 3 },
    // Once an error, then the end; and the peer has really been reset.
    recvReset: { answers: ['ECONNRESET', -3], after: -3, peerReset: true, counted: 1 },
    recvTimedOut: { answers: ['ETIMEDOUT', -3], after: -3, peerReset: true, counted: 1 },
    // Once in the life of a descriptor.
    recvNoBuffers: { answers: ['ENOBUFS', 1000], after: -1, peerReset: false, counted: 1 },
    sendReset: { answers: ['ECONNRESET', 'EPIPE'], after: -3, peerReset: true, counted: 1 },
    sendPipe: { answers: ['EPIPE', 'EPIPE'], after: -3, peerReset: true, counted: 1 },
    sendNoBuffers: { answers: ['ENOBUFS', 1000], after: 1000, peerReset: false, counted: 1 },
    connectRefused: { answers: ['ENOBUFS'], counted: 1 },
    connectBroken: { answers: ['started', 'EHOSTUNREACH'], counted: 1 },
    waitReset: { counts: [1, 1, 1, 1, 0, 0], slots: [0, 1, 2, 3], errors: 4, counted: 4 },
  };

  it.each(FAULTS)('%s looks as the kernel would make it look, and is counted', (fault) => {
    expect(report.results[fault]).toMatchObject(expected[fault]);
  });

  it('the same seed gives the same faults', () => {
    expect(again).toEqual(report);
  });

  it('nothing happens while it is off, and nothing stays open', () => {
    expect(report.whileOff).toMatchObject({ answers: [1000] });
    expect(report.leaked).toBe(0);
  });
});

describe('setting it up', () => {
  it('a program that does not use the addon never meets it', () => {
    const faults = faultInjection({ seed: 1 });
    const { status, stdout } = runUnderFaults(faults.env, '-p', '6 * 7');
    expect([status, stdout, faults.control.attached]).toEqual([0, '42\n', 0]);
    faults.close();
  });

  it('a control file that is none ends the program that would have run without faults', () => {
    const faults = faultInjection({ seed: 1 });
    const env = { ...faults.env, SLUICE_FAULTS: scenario };
    const { status, stderr } = runUnderFaults(
      env,
      '--import',
      'tsx',
      '-e',
      "import('./packages/core-native/src/index.ts').then(({ loadNative }) => new (loadNative().Epoll)(new Int32Array(3)).remove(0))",
    );
    expect(stderr).toContain('not a control file of this version');
    expect(stderr).toContain('faultInjection()');
    expect(status).toBe(78);
    faults.close();
  });

  it('says what is wrong with a seed, a rate, a fault or a file', () => {
    const refusal = (action: () => unknown) => {
      try {
        action();
      } catch (thrown) {
        expect(thrown).toBeInstanceOf(FaultInjectionError);
        return thrown as FaultInjectionError;
      }
      throw new Error('it was accepted');
    };
    const seed = refusal(() => faultInjection({ seed: -1 }));
    expect(seed).toMatchObject({
      code: 'ERR_FAULTS_OPTION',
      message: expect.stringContaining('received -1'),
    });
    const rate = refusal(() => faultInjection({ seed: 1, rates: { recvShort: 2 } }));
    expect(rate).toMatchObject({
      code: 'ERR_FAULTS_OPTION',
      message: expect.stringContaining("'recvShort'"),
    });
    const fault = refusal(() => faultInjection({ seed: 1, rates: { recvShrot: 1 } as object }));
    expect(fault).toMatchObject({
      code: 'ERR_FAULTS_OPTION',
      message: expect.stringContaining('recvShort, '),
    });
    for (const path of [scenario, '/nonexistent/control']) {
      expect(refusal(() => new FaultControl(path))).toMatchObject({
        code: 'ERR_FAULTS_CONTROL',
        message: expect.stringContaining('faultInjection()'),
      });
    }
  });

  it('a process that was not started under faults has no control', () => {
    expect(FaultControl.ofThisProcess({})).toBeUndefined();
  });
});

it('removes the control file with `using`', () => {
  let path: string;
  {
    using faults = faultInjection({ seed: 1 });
    path = faults.env.SLUICE_FAULTS;
    expect(existsSync(path)).toBe(true);
  }
  expect(existsSync(path)).toBe(false);
});
