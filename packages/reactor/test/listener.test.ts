import { Ready } from '@sluice/core-native';
import { beforeEach, describe, expect, test } from 'vitest';
import { Harness } from '../src/testing/index.ts';
import { Recorder } from './recorder.ts';

let harness: Harness;
let recorder: Recorder;

beforeEach(async () => {
  harness = new Harness({ limits: { acceptBudget: 3 } });
  recorder = new Recorder();
  await harness.listen(recorder);
});

/** Accepting rests for so long when the process has run out of descriptors; a tick of the wheel late at most. */
const RETRY_MS = 100 + 100;

/** A process that has no descriptor left: accept fails with `code`, and the reserve cannot be had back. */
function runOut(code: 'EMFILE' | 'ENFILE' | 'ENOBUFS' | 'ENOMEM'): void {
  harness.sockets.hasDescriptors = false;
  harness.sockets.backlog.push(code);
}

const edge = () => harness.poller.fire([harness.listenerFd, Ready.readable]);

describe('accepting', () => {
  test('P9 goes on until the backlog is empty', () => {
    harness.offer();
    harness.offer();
    edge();
    expect(recorder.log).toEqual(['open', 'open']);
    expect(harness.poller.awake).toBe(false);
  });

  test('P9 stops at its budget and accepts the rest in the next turns, without an edge', () => {
    for (let i = 0; i < 7; i += 1) harness.offer();
    edge();
    expect(recorder.log.length).toBe(3);
    harness.poller.turn();
    expect(recorder.log.length).toBe(6);
    harness.poller.turn();
    expect(recorder.log.length).toBe(7);
    harness.poller.settle();
  });

  test.each(['ECONNABORTED', 'EINTR', 'EPROTO'] as const)(
    'P9 goes on after %s, which concerns one peer only',
    (code) => {
      harness.sockets.backlog.push(code);
      harness.offer();
      edge();
      expect(recorder.log).toEqual(['open']);
      expect(harness.errors).toEqual([]);
    },
  );

  test.each(['ENOBUFS', 'ENOMEM'] as const)(
    'P10 %s: one warning, no spinning, and the backlog is served later without an edge',
    (code) => {
      harness.sockets.backlog.push(code);
      edge();
      expect(harness.errors).toMatchObject([{ name: 'SystemError', code }]);
      expect(harness.poller.awake).toBe(false);
      harness.sockets.backlog.push(code);
      harness.clock.advance(RETRY_MS);
      harness.poller.settle();
      expect(harness.errors.length).toBe(1);
      // One gets in, then there is no room again: the shortage goes on, and is not told twice.
      harness.offer();
      harness.sockets.backlog.push(code);
      harness.clock.advance(RETRY_MS);
      harness.poller.settle();
      expect(recorder.log).toEqual(['open']);
      expect(harness.errors.length).toBe(1);
      harness.offer();
      harness.clock.advance(RETRY_MS);
      harness.poller.settle();
      expect(recorder.log).toEqual(['open', 'open']);
      harness.sockets.backlog.push(code);
      edge();
      expect(harness.errors.length).toBe(2);
    },
  );

  test.each(['EMFILE', 'ENFILE'] as const)(
    'P10 %s: the reserve serves one, the rest waits without spinning, one warning',
    (code) => {
      runOut(code);
      harness.offer();
      harness.offer();
      edge();
      expect(recorder.log).toEqual(['open']);
      expect(harness.errors).toMatchObject([{ name: 'SystemError', code }]);
      expect(harness.poller.awake).toBe(false);
      const accepts = harness.sockets.backlog.length;
      harness.clock.advance(RETRY_MS);
      harness.poller.settle();
      // Nobody is asked to accept while the reserve cannot be had back.
      expect(harness.sockets.backlog.length).toBe(accepts);
      expect(harness.reactor.stats().limited.descriptors).toBe(1);
      harness.sockets.hasDescriptors = true;
      harness.clock.advance(RETRY_MS);
      harness.poller.settle();
      expect(recorder.log).toEqual(['open', 'open']);
      expect(harness.errors.length).toBe(1);
      // A shortage after everybody was served is a new one.
      harness.sockets.backlog.push(code);
      edge();
      expect(harness.errors.length).toBe(2);
    },
  );

  test('P10 a descriptor that is freed is used at once, before the timer', () => {
    const { transport } = harness.accept();
    runOut('EMFILE');
    harness.sockets.backlog.push('EMFILE');
    edge();
    harness.offer();
    recorder.conn.destroy();
    harness.sockets.hasDescriptors = true;
    expect(transport.closed).toBe(true);
    return Promise.resolve().then(() => {
      harness.poller.settle();
      expect(recorder.log).toEqual(['open', 'close clean', 'open']);
    });
  });

  test('a transport that cannot be made costs its connection only', async () => {
    let calls = 0;
    const refused: Error[] = [];
    await harness.reactor.listen(
      {
        port: 0,
        transport: {
          name: 'broken',
          accept: () => {
            calls += 1;
            throw new Error('no memory');
          },
        },
        onConnectionError: (error) => refused.push(error),
      },
      recorder,
    );
    const fd = [...harness.poller.registered.keys()].at(-1)!;
    harness.sockets.backlog.push(1, 2);
    harness.poller.fire([fd, Ready.readable]);
    expect(calls).toBe(2);
    expect(refused.map(String)).toEqual(['Error: no memory', 'Error: no memory']);
    expect(harness.reactor.stats().connections).toBe(0);
  });

  test('a connection that cannot be registered costs itself only', () => {
    const { transport } = harness.offer();
    harness.poller.refuse = new Error('ENOSPC');
    edge();
    harness.poller.refuse = undefined;
    expect(transport.closed).toBe(true);
    expect(harness.refused.map(({ error }) => error.message)).toEqual(['ENOSPC']);
    harness.accept();
    expect(recorder.log).toEqual(['open']);
  });

  test('a callback of the listener that throws is reported and stops nothing', async () => {
    await harness.reactor.listen(
      {
        port: 0,
        transport: {
          name: 'broken',
          accept: () => {
            throw new Error('no memory');
          },
        },
        onConnectionError: () => {
          throw new Error('from the callback');
        },
      },
      recorder,
    );
    const fd = [...harness.poller.registered.keys()].at(-1)!;
    harness.sockets.backlog.push(1, 2);
    harness.poller.fire([fd, Ready.readable]);
    expect(harness.errors.map(String)).toEqual(['Error: from the callback', 'Error: from the callback']);
  });
});
