import { Ready, Status } from '@sluice/core-native';
import { beforeEach, describe, expect, test } from 'vitest';
import { type Connection, type Protocol, UsageError } from '../src/index.ts';
import { FakeTransport, Harness } from '../src/testing/index.ts';
import { Recorder } from './recorder.ts';

/** A recorder that also hears of upgrades. */
class UpgradeRecorder extends Recorder implements Protocol<{ readonly opened: number }> {
  upgraded: (conn: Connection) => void = () => {};

  onUpgraded(conn: Connection): void {
    this.log.push('upgraded');
    this.upgraded(conn);
  }
}

const NOTHING = new Uint8Array(0);
const LIMITS = {
  handshakeTimeoutMs: 500,
  handshakeBudget: 2,
  highWaterMarkBytes: 100,
  lowWaterMarkBytes: 10,
};

let harness: Harness;
let recorder: UpgradeRecorder;
beforeEach(async () => {
  harness = new Harness({ limits: LIMITS });
  recorder = new UpgradeRecorder();
  await harness.listen(recorder);
});

/** The transport to come, and how it was made. */
function successor(script: (transport: FakeTransport) => void = () => {}) {
  const transport = new FakeTransport();
  script(transport);
  const heads: string[] = [];
  const accept = (_fd: number, head?: Uint8Array) => {
    heads.push(Buffer.from(head ?? 'none').toString());
    return transport;
  };
  return { transport, heads, upgrade: { name: 'next', upgrades: true, accept } };
}

describe('an upgrade', () => {
  test('sends what was written before by the transport before, and what comes after by the new one', () => {
    const next = successor();
    recorder.data = (conn) => {
      conn.write('ready\n');
      conn.upgrade(next.upgrade, { head: NOTHING });
      conn.write('sealed');
      expect([conn.lifecycle, conn.transport]).toEqual(['handshaking', next.transport]);
    };
    const { transport, fd } = harness.accept((script) => script.reads.push('start'));
    harness.poller.settle();
    expect(transport.calls).toEqual(['handshake', 'read 5', 'write 6/6', 'release', 'close']);
    expect(next.transport.calls).toEqual(['handshake', 'read wantsRead', 'write 6/6']);
    expect([transport.written.toString(), next.transport.written.toString()]).toEqual(['ready\n', 'sealed']);
    expect(recorder.log).toEqual(['open', 'data start', 'upgraded']);
    expect(recorder.conn.lifecycle).toBe('open');
    next.transport.reads.push('secret');
    harness.poller.fire([fd, Ready.readable]);
    expect(recorder.log.slice(3)).toEqual(['data secret']);
    expect(harness.reactor.stats()).toMatchObject({ opened: 1, upgraded: 1 });
  });

  test('P12 waits with the handshake until the transport before has sent everything, a blocked rest included', async () => {
    const next = successor();
    const { transport, fd } = harness.accept();
    transport.writes.push(3, { status: 'wantsWrite' });
    recorder.conn.write('ready\n');
    await undefined;
    recorder.conn.write('go on\n');
    recorder.conn.upgrade(next.upgrade, { head: NOTHING });
    recorder.conn.write('sealed');
    harness.poller.settle();
    expect(next.transport.calls).toEqual([]);
    expect(harness.poller.isWritableArmed(fd)).toBe(true);
    harness.poller.fire([fd, Ready.writable]);
    expect(transport.written.toString()).toBe('ready\ngo on\n');
    expect(next.transport.written.toString()).toBe('sealed');
    expect(transport.calls.at(-1)).toBe('close');
  });

  test('reads nothing more in plain, and hands over what the protocol had left of its chunk', () => {
    const next = successor();
    recorder.data = (conn, chunk) => conn.upgrade(next.upgrade, { head: chunk.subarray(5) });
    const { transport } = harness.accept((script) => {
      script.tellsDrained = false;
      script.reads.push('start\x16\x03hello', 'injected');
    });
    harness.poller.settle();
    expect(next.heads).toEqual(['\x16\x03hello']);
    expect(transport.reads).toEqual(['injected']);
    expect(recorder.log).toEqual(['open', 'data start\x16\x03hello', 'upgraded']);
  });

  test('P1 reads at once when its handshake is done, though no edge comes', () => {
    const next = successor((script) => {
      script.handshakes.push(Status.wantsRead, 0);
      script.reads.push('with the last flight');
    });
    recorder.opened = (conn) => conn.upgrade(next.upgrade, { head: NOTHING });
    const { fd } = harness.accept();
    harness.poller.settle();
    expect(recorder.log).toEqual(['open']);
    harness.poller.fire([fd, Ready.readable]);
    expect(recorder.log).toEqual(['open', 'upgraded', 'data with the last flight']);
  });

  test('draws on the handshake budget of a turn', () => {
    const nexts = [1, 2, 3].map(() =>
      successor((script) => {
        script.secure = true;
      }),
    );
    for (const _ of nexts) harness.accept();
    recorder.connections.forEach((conn, at) => {
      conn.upgrade(nexts[at]!.upgrade, { head: NOTHING });
    });
    harness.poller.turn();
    expect(nexts.map(({ transport }) => transport.calls.includes('handshake'))).toEqual([true, true, false]);
    harness.poller.settle();
    expect(nexts.every(({ transport }) => transport.calls.includes('handshake'))).toBe(true);
  });

  test('P31 P55 that gets no answer closes at the handshake deadline, told once', () => {
    const next = successor((script) => script.handshakes.push(Status.wantsRead));
    const { transport } = harness.accept();
    recorder.conn.upgrade(next.upgrade, { head: NOTHING });
    harness.poller.settle();
    harness.clock.advance(700);
    expect(recorder.log).toEqual(['open', expect.stringMatching(/^close timeout: .+handshakeTimeoutMs/)]);
    expect(next.transport.closed).toBe(true);
    expect(transport.calls.slice(-2)).toEqual(['release', 'close']);
    expect(harness.refused).toEqual([]);
  });

  test('P31 that fails closes with the error of its transport, told once', () => {
    const next = successor((script) => {
      script.handshakes.push(Status.failed);
      script.failureAnswer = { reason: 'error', error: new Error('not TLS') };
    });
    harness.accept();
    recorder.conn.upgrade(next.upgrade, { head: NOTHING });
    harness.poller.settle();
    expect(recorder.log).toEqual(['open', 'close error: not TLS']);
    expect(harness.reactor.stats()).toMatchObject({ handshakesFailed: 0, connections: 0, upgraded: 0 });
  });

  test('whose transport cannot be made closes with that error', () => {
    harness.accept();
    const accept = () => {
      throw new Error('no memory');
    };
    recorder.conn.upgrade({ name: 'broken', upgrades: true, accept }, { head: NOTHING });
    expect(recorder.log).toEqual(['open', 'close error: no memory']);
  });

  test('P5 whose last plain bytes cannot be sent closes with that failure, and delivers nothing more', () => {
    const next = successor();
    recorder.data = (conn) => {
      conn.write('ready\n');
      conn.upgrade(next.upgrade, { head: NOTHING });
    };
    const { transport } = harness.accept((script) => {
      script.tellsDrained = false;
      script.reads.push('start', 'injected');
      script.writes.push({ status: 'failed' });
    });
    harness.poller.settle();
    expect(recorder.log).toEqual(['open', 'data start', 'close reset: scripted failure']);
    expect([transport.closed, next.transport.calls]).toEqual([true, []]);
  });

  test('after a write that failed closes with that failure, and delivers nothing more', () => {
    const next = successor();
    recorder.data = (conn) => {
      conn.write(Buffer.alloc(20_000));
      conn.upgrade(next.upgrade, { head: NOTHING });
    };
    harness.accept((script) => {
      script.tellsDrained = false;
      script.reads.push('start', 'injected');
      script.writes.push({ status: 'failed' });
    });
    harness.poller.settle();
    expect(recorder.log).toEqual(['open', 'data start', 'close reset: scripted failure']);
    expect(next.transport.calls).toEqual([]);
  });

  test('asked for in onDrain holds back what the same hook writes after it', async () => {
    const next = successor((script) => script.handshakes.push(Status.wantsRead));
    recorder.drain = (conn) => {
      conn.upgrade(next.upgrade, { head: NOTHING });
      conn.write('sealed');
    };
    const { transport, fd } = harness.accept((script) => script.writes.push({ status: 'wantsWrite' }));
    recorder.conn.write(Buffer.alloc(200, 'x'));
    await undefined;
    harness.poller.fire([fd, Ready.writable]);
    harness.poller.settle();
    expect(transport.written.toString()).toBe('x'.repeat(200));
    harness.poller.fire([fd, Ready.readable]);
    expect(next.transport.written.toString()).toBe('sealed');
  });

  test('P24 P25 followed by close() sends what was written, sealed, and only then ends', async () => {
    const next = successor((script) => script.handshakes.push(Status.wantsRead));
    const { fd } = harness.accept();
    recorder.conn.upgrade(next.upgrade, { head: NOTHING });
    recorder.conn.write('last words');
    recorder.conn.close();
    harness.poller.settle();
    expect(next.transport.calls).toEqual(['handshake']);
    next.transport.reads.push({ status: 'ended' });
    harness.poller.fire([fd, Ready.readable]);
    expect(next.transport.written.toString()).toBe('last words');
    expect(next.transport.calls.slice(-2)).toEqual(['shutdownWrite', 'close']);
    expect(recorder.log).toEqual(['open', 'close clean']);
  });

  test('P3 in a hook that pauses before and resumes after it reads nothing before the handshake', () => {
    const next = successor((script) => script.handshakes.push(Status.wantsRead));
    recorder.data = (conn, chunk) => {
      if (chunk.toString() !== 'start') return;
      conn.pause();
      conn.upgrade(next.upgrade, { head: NOTHING });
      conn.resume();
    };
    const { fd } = harness.accept((script) => script.reads.push('start'));
    harness.poller.settle();
    expect(next.transport.calls).toEqual(['handshake']);
    next.transport.reads.push('sealed');
    harness.poller.fire([fd, Ready.readable]);
    expect(next.transport.calls).toEqual(['handshake', 'handshake', 'read 6']);
    expect(recorder.log).toEqual(['open', 'data start', 'upgraded', 'data sealed']);
  });

  test('P3 of a paused connection shakes hands, and delivers when it is resumed', () => {
    const next = successor((script) => script.reads.push('secret'));
    harness.accept();
    recorder.conn.upgrade(next.upgrade, { head: NOTHING });
    recorder.conn.pause();
    harness.poller.settle();
    expect(recorder.log).toEqual(['open', 'upgraded']);
    recorder.conn.resume();
    harness.poller.settle();
    expect(recorder.log).toEqual(['open', 'upgraded', 'data secret']);
  });

  test('that begins in the last onData before a shutdown is told lets it be told when it is done', async () => {
    const next = successor((transport) => transport.handshakes.push(Status.wantsRead));
    recorder.data = (conn) => conn.upgrade(next.upgrade, { head: NOTHING });
    const told: string[] = [];
    Object.assign(recorder, { onShutdown: (conn: Connection) => told.push(conn.lifecycle) });
    const { transport, fd } = harness.accept();
    transport.reads.push('start');
    const shutdown = harness.reactor.shutdown({ deadlineMs: 5_000 });
    harness.letListenerClose();
    expect([recorder.conn.lifecycle, told]).toEqual(['handshaking', []]);
    harness.poller.fire([fd, Ready.readable]);
    expect(told).toEqual(['open']);
    recorder.conn.destroy();
    harness.poller.settle();
    await shutdown;
  });

  test('lets a shutdown be told when it is done', async () => {
    const next = successor((script) => script.handshakes.push(Status.wantsRead));
    const { fd } = harness.accept();
    recorder.conn.upgrade(next.upgrade, { head: NOTHING });
    harness.poller.settle();
    const shutdown = harness.reactor.shutdown({ deadlineMs: 5_000 });
    harness.letListenerClose();
    expect(recorder.log).toEqual(['open']);
    harness.poller.fire([fd, Ready.readable]);
    next.transport.reads.push({ status: 'ended' });
    harness.poller.fire([fd, Ready.readable]);
    harness.letListenerClose();
    expect(await shutdown).toEqual({ drained: 1, destroyed: 0 });
    expect(recorder.log).toEqual(['open', 'upgraded', 'close clean']);
  });
});

describe('an upgrade is refused, and changes nothing,', () => {
  const refused = (run: () => void) => {
    expect(run).toThrow(UsageError);
    try {
      run();
    } catch (thrown) {
      return { code: (thrown as UsageError).code, message: (thrown as Error).message };
    }
    return undefined;
  };

  test('during a handshake', () => {
    harness.accept();
    recorder.conn.upgrade(successor().upgrade, { head: NOTHING });
    expect(refused(() => recorder.conn.upgrade(successor().upgrade, { head: NOTHING }))).toEqual({
      code: 'ERR_UPGRADE',
      message: 'This connection cannot be upgraded: a handshake is under way; wait for onOpen or onUpgraded.',
    });
  });

  test('after end()', () => {
    harness.accept();
    recorder.conn.end();
    expect(refused(() => recorder.conn.upgrade(successor().upgrade, { head: NOTHING }))).toEqual({
      code: 'ERR_UPGRADE',
      message:
        'This connection cannot be upgraded: our side has been ended; call upgrade() instead of end().',
    });
  });

  test('where the transport has something of its own on the wire', () => {
    harness.accept((script) => Object.assign(script, { release: undefined, name: 'sealed' }));
    expect(refused(() => recorder.conn.upgrade(successor().upgrade, { head: NOTHING }))).toEqual({
      code: 'ERR_UPGRADE',
      message: "This connection cannot be upgraded: its transport 'sealed' cannot be taken off.",
    });
    expect(recorder.conn.lifecycle).toBe('open');
  });

  test('for a transport that knows nothing of bytes that were read before', () => {
    harness.accept();
    const { upgrade } = successor();
    expect(refused(() => recorder.conn.upgrade({ ...upgrade, upgrades: false }, { head: NOTHING }))).toEqual({
      code: 'ERR_UPGRADE',
      message: "This connection cannot be upgraded: a transport 'next' takes over no open connection.",
    });
    expect(recorder.conn.lifecycle).toBe('open');
  });

  test('without head, or with a client role and nobody to find', () => {
    harness.accept();
    const { upgrade } = successor();
    expect(refused(() => recorder.conn.upgrade(upgrade, {} as { head: Uint8Array }))).toMatchObject({
      code: 'ERR_OPTION_VALUE',
      message: expect.stringContaining('head must be the bytes behind the command'),
    });
    const client = { name: 'client', upgrades: true, connect: () => new FakeTransport() };
    expect(refused(() => recorder.conn.upgrade(client, { head: NOTHING }))).toMatchObject({
      code: 'ERR_OPTION_VALUE',
      message: expect.stringContaining('upgrade needs host'),
    });
    expect(recorder.conn.lifecycle).toBe('open');
  });

  test('without a word on a connection that is closing or closed', () => {
    harness.accept();
    const { upgrade, heads } = successor();
    recorder.conn.close();
    recorder.conn.upgrade(upgrade, { head: NOTHING });
    recorder.conn.destroy();
    recorder.conn.upgrade(upgrade, { head: NOTHING });
    expect([heads, recorder.log]).toEqual([[], ['open', 'close clean']]);
  });
});
