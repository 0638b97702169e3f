import { Ready, Status } from '@sluice/core-native';
import { beforeEach, describe, expect, test } from 'vitest';
import { Harness } from '../src/testing/index.ts';
import { Recorder } from './recorder.ts';

let harness: Harness;
let recorder: Recorder;

beforeEach(async () => {
  harness = new Harness({ limits: { closeTimeoutMs: 1000, handshakeTimeoutMs: 500, connectTimeoutMs: 300 } });
  recorder = new Recorder();
  await harness.listen(recorder);
});

const nextMicrotask = () => Promise.resolve();

describe('close', () => {
  test('P25 ends our side, drops what the peer still sends, and closes when the peer has ended', async () => {
    const { transport, fd } = harness.accept();
    recorder.conn.write('bye');
    recorder.conn.close();
    await nextMicrotask();
    expect(transport.calls.slice(-2)).toEqual(['write 3/3', 'shutdownWrite']);
    transport.reads.push('too late', { status: 'ended' });
    harness.poller.fire([fd, Ready.readable | Ready.readClosed]);
    expect(recorder.log).toEqual(['open', 'close clean']);
    expect(transport.calls.slice(-3)).toEqual(['read 8', 'read ended', 'close']);
  });

  test('P27 a peer that never ends is cut at the deadline', () => {
    const { transport } = harness.accept();
    recorder.conn.close();
    harness.clock.advance(999);
    expect(recorder.log).toEqual(['open']);
    harness.clock.advance(100);
    expect(recorder.log).toEqual([
      'open',
      'close timeout: The peer did not end its side after ours had ended within 1000 ms. Raise closeTimeoutMs if it needs longer.',
    ]);
    expect(transport.closed).toBe(true);
  });

  test('takes a deadline of its own', () => {
    harness.accept();
    recorder.conn.close({ deadlineMs: 50 });
    harness.clock.advance(200);
    expect(recorder.log.at(-1)).toContain('within 50 ms');
  });

  test('of a paused connection reads on, so that the peer can end', async () => {
    const { transport } = harness.accept();
    recorder.conn.pause();
    transport.reads.push('unread', { status: 'ended' });
    recorder.conn.close();
    await nextMicrotask();
    harness.poller.settle();
    expect(recorder.log).toEqual(['open', 'close clean']);
  });
});

describe('destroy', () => {
  test('closes now; the reason is clean without an error and error with one', () => {
    const first = harness.accept();
    recorder.conn.destroy();
    expect(recorder.log).toEqual(['open', 'close clean']);
    const second = harness.accept();
    recorder.conn.destroy(new Error('enough'));
    expect(recorder.log.slice(2)).toEqual(['open', 'close error: enough']);
    expect([first.transport.closed, second.transport.closed]).toEqual([true, true]);
  });

  test('P31 in any hook: onClose is called exactly once, and nothing else after it', () => {
    for (const hook of ['opened', 'data', 'ended', 'closed'] as const) {
      recorder.log.length = 0;
      recorder.opened = recorder.data = recorder.ended = recorder.closed = () => {};
      recorder[hook] = (conn) => conn.destroy();
      const { fd } = harness.accept((transport) => transport.reads.push('x', { status: 'ended' }));
      if (harness.poller.registered.has(fd)) harness.poller.fire([fd, Ready.readable]);
      recorder.conn.destroy();
      expect([hook, recorder.log.filter((entry) => entry.startsWith('close')).length]).toEqual([hook, 1]);
      expect([hook, recorder.log.at(-1)]).toEqual([hook, 'close clean']);
    }
  });

  test('in onOpen: onClose comes after it and finds the state', () => {
    recorder.opened = (conn) => conn.destroy();
    let state: unknown;
    recorder.closed = (conn) => {
      ({ state } = conn);
    };
    harness.accept();
    expect(recorder.log).toEqual(['open', 'close clean']);
    expect(state).toEqual({ opened: 1 });
  });

  test('P6 an event for a connection closed earlier in the batch reaches nobody, its descriptor reused or not', () => {
    const first = harness.accept();
    const victim = recorder.conn;
    const second = harness.accept();
    recorder.data = () => victim.destroy();
    second.transport.reads.push('kill');
    first.transport.reads.push('never read');
    const old = harness.poller.registered.get(first.fd)!;
    harness.poller.fire([second.fd, Ready.readable], [first.fd, Ready.readable]);
    expect(recorder.log.filter((entry) => entry.startsWith('data'))).toEqual(['data kill']);

    // The next batch carries one more event of the closed one; its slot now belongs to somebody else.
    recorder.data = () => {};
    const third = harness.accept();
    expect(harness.poller.registered.get(third.fd)!.slot).toBe(old.slot);
    third.transport.reads.push('not for you');
    harness.poller.fireRegistrations([old, Ready.readable]);
    expect(recorder.log.filter((entry) => entry.startsWith('data'))).toEqual(['data kill']);
    expect(harness.reactor.stats().staleEvents).toBe(1);
  });

  test('a slot is not reused inside the batch that freed it', () => {
    const first = harness.accept();
    const victim = recorder.conn;
    const second = harness.accept();
    const { slot } = harness.poller.registered.get(first.fd)!;
    recorder.data = () => victim.destroy();
    second.transport.reads.push('kill');
    const third = harness.offer();
    harness.poller.fire([second.fd, Ready.readable], [harness.listenerFd, Ready.readable]);
    expect(harness.poller.registered.get(third.fd)!.slot).not.toBe(slot);
  });
});

describe('P54 a hook that throws', () => {
  test.each(['opened', 'data', 'ended', 'closed', 'drain'] as const)(
    'in %s costs its connection, is reported once, and nothing else stops',
    (hook) => {
      const bystander = harness.accept();
      const log = recorder.log.length;
      recorder[hook] = () => {
        throw new Error(`from ${hook}`);
      };
      const { fd, transport } = harness.accept((script) => {
        if (hook !== 'drain') script.reads.push('x', { status: 'ended' });
      });
      if (hook === 'drain') {
        recorder.data = (conn) => conn.write('x'.repeat(200_000));
        transport.reads.push('x');
        transport.writes.push({ status: 'wantsWrite' });
        harness.poller.fire([fd, Ready.readable]);
        harness.poller.fire([fd, Ready.writable]);
      }
      if (hook === 'closed') recorder.conn.destroy();
      expect(harness.errors.map(String)).toEqual([`Error: from ${hook}`]);
      expect(transport.closed).toBe(true);
      const closes = recorder.log.slice(log).filter((entry) => entry.startsWith('close'));
      expect(closes.length).toBe(hook === 'opened' ? 0 : 1);

      for (const name of ['opened', 'data', 'ended', 'closed', 'drain'] as const) recorder[name] = () => {};
      bystander.transport.reads.push('still served');
      harness.poller.fire([bystander.fd, Ready.readable]);
      expect(recorder.log.at(-1)).toBe('data still served');
    },
  );

  test('something that is not an error is reported as one', () => {
    recorder.data = () => {
      const thrown: unknown = 'a string';
      throw thrown;
    };
    harness.accept((script) => script.reads.push('x'));
    expect(harness.errors[0]?.message).toBe('A hook threw a string');
  });
});

describe('before it is open', () => {
  test('P55 a handshake that does not complete is cut at its deadline and told to the listener', () => {
    const { transport } = harness.accept((script) => script.handshakes.push(Status.wantsRead));
    harness.clock.advance(700);
    expect(transport.closed).toBe(true);
    expect(recorder.log).toEqual([]);
    expect(harness.refused.map(({ reason, error }) => [reason, (error as { code?: string }).code])).toEqual([
      ['timeout', 'ERR_HANDSHAKE_TIMEOUT'],
    ]);
    expect(harness.clock.pending).toBe(0);
  });

  test('a handshake waits for the edge it wants, in either direction', () => {
    const { fd } = harness.accept((script) => script.handshakes.push(Status.wantsWrite, Status.wantsRead, 0));
    expect(harness.poller.isWritableArmed(fd)).toBe(true);
    harness.poller.fire([fd, Ready.writable]);
    expect(harness.poller.isWritableArmed(fd)).toBe(false);
    harness.poller.fire([fd, Ready.readable]);
    expect(recorder.log).toEqual(['open']);
  });

  describe('a handshake that is suspended', () => {
    const suspended = () => harness.accept((script) => script.handshakes.push(Status.suspended, 0));
    const steps = ({ calls }: { calls: readonly string[] }) =>
      calls.filter((call) => call === 'handshake').length;

    test('waits for no edge, and is not stepped by those that come', () => {
      const { fd, transport } = suspended();
      for (let edge = 0; edge < 3; edge += 1) harness.poller.fire([fd, Ready.readable | Ready.readClosed]);
      harness.poller.settle();
      expect(steps(transport)).toBe(1);
      expect(harness.poller.isWritableArmed(fd)).toBe(false);
    });

    test('goes on from the ready list, and reads what came meanwhile without another edge', () => {
      const { fd, transport } = suspended();
      harness.poller.fire([fd, Ready.readable]);
      transport.reads.push('early');
      transport.resume();
      expect(recorder.log).toEqual([]);
      harness.poller.settle();
      expect(recorder.log).toEqual(['open', 'data early']);
      // Once more is once too often, and changes nothing.
      transport.resume();
      harness.poller.settle();
      expect(steps(transport)).toBe(2);
    });

    test('P55 is cut at the deadline of the handshake; what settles later reaches nobody (P21)', () => {
      const { transport } = suspended();
      harness.clock.advance(700);
      expect(transport.closed).toBe(true);
      expect(harness.refused.map(({ reason }) => reason)).toEqual(['timeout']);
      transport.resume();
      harness.poller.settle();
      expect(steps(transport)).toBe(1);
    });

    test('does not keep a shutdown waiting beyond its deadline', async () => {
      const { transport } = suspended();
      const ended = harness.reactor.shutdown({ deadlineMs: 200 });
      harness.letListenerClose();
      harness.clock.advance(400);
      harness.poller.settle();
      await ended;
      expect(transport.calls).toEqual(['handshake', 'close']);
    });

    test('may be ended by the code that it asks', () => {
      const { transport } = harness.offer((script) => {
        script.handshake = () => {
          void harness.reactor.shutdown({ deadlineMs: 0 });
          return 0;
        };
      });
      harness.poller.fire([harness.listenerFd, Ready.readable]);
      harness.clock.advance(100);
      expect(transport.closed).toBe(true);
      expect(recorder.log).toEqual([]);
    });
  });

  test('P31 one that fails is told to the listener, and no hook runs', () => {
    const { transport } = harness.accept((script) => script.handshakes.push(Status.failed));
    expect(transport.closed).toBe(true);
    expect(recorder.log).toEqual([]);
    expect(harness.refused).toEqual([{ reason: 'reset', error: transport.failureAnswer.error }]);
    expect(harness.reactor.stats()).toMatchObject({ handshakesFailed: 1, connections: 0 });
  });

  test('handshake steps have a budget; the rest goes on in the next turn without an edge', async () => {
    harness = new Harness({ limits: { handshakeBudget: 2 } });
    await harness.listen(recorder);
    for (let i = 0; i < 5; i += 1) {
      harness.offer((script) => {
        script.secure = true;
      });
    }
    harness.poller.fire([harness.listenerFd, Ready.readable]);
    expect(recorder.log.length).toBe(2);
    harness.poller.turn();
    expect(recorder.log.length).toBe(4);
    harness.poller.turn();
    expect(recorder.log.length).toBe(5);
  });
});

describe('a peer that ended and then broke off', () => {
  test.each([
    ['ETIMEDOUT', 'ETIMEDOUT'],
    // A send that nobody waited for, a session ticket for instance, has fetched the error already.
    ['ENOTCONN', 'ECONNRESET'],
  ] as const)('P5 is told as reset, where the socket says %s', (says, told) => {
    const { fd } = harness.accept((script) => script.reads.push({ status: 'ended' }));
    harness.sockets.connectResults.push(harness.sockets.fail(says, 'connect'));
    harness.poller.fire([fd, Ready.error]);
    expect(recorder.log.slice(0, 2)).toEqual(['open', 'end']);
    expect(recorder.log.at(-1)).toMatch(new RegExp(`^close reset: getsockopt failed: ${told}, `));
  });
});
