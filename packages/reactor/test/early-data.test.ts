import { Ready, Status } from '@sluice/core-native';
import { beforeEach, describe, expect, test } from 'vitest';
import type { Connection, Protocol } from '../src/index.ts';
import { type FakeTransport, Harness } from '../src/testing/index.ts';
import { Recorder } from './recorder.ts';

/** A recorder that can tell early data. */
class EarlyRecorder extends Recorder implements Protocol<{ readonly opened: number }> {
  readonly earlyData = true;
  handshaken: (conn: Connection) => void = () => {};

  override onData(conn: Connection, chunk: Buffer): void {
    this.log.push(conn.lifecycle);
    super.onData(conn, chunk);
  }

  onHandshaken(conn: Connection): void {
    this.log.push('handshaken');
    this.handshaken(conn);
  }
}

const OPENED = { status: 'opened' } as const;
const DRY = { status: 'wantsRead' } as const;
const LIMITS = {
  handshakeTimeoutMs: 500,
  closeTimeoutMs: 300,
  highWaterMarkBytes: 100,
  lowWaterMarkBytes: 10,
};

let harness: Harness;
let recorder: EarlyRecorder;
beforeEach(async () => {
  harness = new Harness({ limits: LIMITS });
  recorder = new EarlyRecorder();
  await harness.listen(recorder);
});

/** Accepts a connection whose handshake lets bytes flow beside it. */
function acceptEarly(script: (transport: FakeTransport) => void = () => {}) {
  return harness.accept((transport) => {
    transport.secure = true;
    transport.tellsDrained = false;
    transport.handshakes.push(Status.early);
    script(transport);
  });
}

describe('P48 early data', () => {
  test('is told apart from what comes after it by the lifecycle, in one drain too', () => {
    const { transport } = acceptEarly((script) => script.reads.push('GET', OPENED, 'POST'));
    expect(recorder.log).toEqual(['open', 'early', 'data GET', 'handshaken', 'open', 'data POST']);
    expect(transport.calls).toEqual(['handshake', 'read 3', 'read opened', 'read 4', 'read wantsRead']);
    expect(harness.reactor.stats()).toMatchObject({
      opened: 1,
      openedEarly: 1,
      states: { early: 0, open: 1 },
    });
  });

  test('finds the protocol open before the handshake is, which goes on with an edge', () => {
    const { transport, fd } = acceptEarly((script) => script.reads.push('GET', DRY, OPENED));
    expect(recorder.conn.lifecycle).toBe('early');
    expect(harness.reactor.stats().states).toMatchObject({ handshaking: 0, early: 1, open: 0 });
    harness.poller.fire([fd, Ready.readable]);
    expect(recorder.conn.lifecycle).toBe('open');
    expect(recorder.log).toEqual(['open', 'early', 'data GET', 'handshaken']);
    expect(transport.calls.filter((call) => call === 'handshake')).toHaveLength(1);
  });

  test('is answered at once, in one write with what is said in onOpen', () => {
    recorder.data = (conn) => conn.write('answer');
    const { transport } = acceptEarly((script) => script.reads.push('GET'));
    expect(transport.calls).toEqual(['handshake', 'read 3', 'read wantsRead', 'write 6/6']);
  });

  test('counts as a handshake in progress until that is complete', async () => {
    const limited = new Harness({ limits: { maxHandshakes: 1 } });
    const protocol = new EarlyRecorder();
    await limited.listen(protocol);
    const first = limited.offer((transport) => {
      transport.handshakes.push(Status.early);
      transport.reads.push(DRY, OPENED);
    });
    limited.offer();
    limited.poller.fire([limited.listenerFd, Ready.readable]);
    limited.poller.settle();
    expect(protocol.log).toEqual(['open']);
    limited.poller.fire([first.fd, Ready.readable]);
    limited.poller.settle();
    expect(protocol.log).toEqual(['open', 'handshaken', 'open']);
  });

  test('gives its place among the handshakes back, too, when it closes before that', async () => {
    const limited = new Harness({ limits: { maxHandshakes: 1 } });
    const protocol = new EarlyRecorder();
    await limited.listen(protocol);
    const isEarly = (transport: FakeTransport) => void transport.handshakes.push(Status.early);
    for (const end of ['destroy', 'fail', 'throw'] as const) {
      protocol.opened = (conn) => {
        if (end === 'throw' && conn.lifecycle === 'early') throw new Error('boom');
      };
      const { fd, transport } = limited.offer(isEarly);
      limited.poller.fire([limited.listenerFd, Ready.readable]);
      limited.poller.settle();
      if (end === 'destroy') protocol.conn.destroy();
      if (end === 'fail') transport.reads.push({ status: 'failed' });
      if (end === 'fail') limited.poller.fire([fd, Ready.readable]);
      limited.poller.settle();
      expect(transport.closed).toBe(true);
    }
    expect(limited.reactor.stats()).toMatchObject({ connections: 0, opened: 3 });
    limited.offer();
    limited.poller.fire([limited.listenerFd, Ready.readable]);
    limited.poller.settle();
    expect(limited.reactor.stats()).toMatchObject({ opened: 4, states: { open: 1 } });
  });

  test.each([
    ['all protocols can tell it', true, true],
    ['one of them cannot', false, false],
  ])('is asked of the transport only where %s', async (_when, second, asked) => {
    const mixed = new Harness();
    const other: Protocol = { alpn: ['other'], earlyData: second, onOpen: () => {} };
    await mixed.listen([recorder as Protocol<unknown>, other as Protocol<unknown>]);
    expect(mixed.takesEarlyData).toBe(asked);
  });
});

describe('what waits for the handshake', () => {
  test('is written when a read has completed it, without an edge of its own', async () => {
    const { transport, fd } = acceptEarly((script) => {
      script.writes.push(3, { status: 'wantsRead' });
      script.reads.push('GET', DRY);
    });
    recorder.conn.write('answer');
    await undefined;
    expect(recorder.conn.writeHalf).toBe('wants-read');
    transport.reads.push(OPENED);
    harness.poller.fire([fd, Ready.readable]);
    expect(transport.written.toString()).toBe('answer');
    expect(recorder.conn.writeHalf).toBe('ready');
  });

  test('is written, too, when it has blocked in the drain that completes the handshake', () => {
    const large = Buffer.alloc(100_000, 'a');
    recorder.data = (conn) => void conn.write(large);
    const { transport } = acceptEarly((script) => {
      script.writes.push({ status: 'wantsRead' });
      script.reads.push('GET', OPENED);
    });
    expect(transport.written.equals(large)).toBe(true);
    expect(recorder.conn.writeHalf).toBe('ready');
  });

  test('end() goes out behind it', () => {
    recorder.data = (conn) => conn.end('bye');
    const { transport, fd } = acceptEarly((script) => {
      script.reads.push('GET', DRY, OPENED);
      script.shutdowns.push(Status.wantsRead);
    });
    expect(recorder.conn.writeHalf).toBe('ending-wants-read');
    harness.poller.fire([fd, Ready.readable]);
    expect(recorder.conn.writeHalf).toBe('ended');
    expect(transport.calls.filter((call) => call === 'shutdownWrite')).toHaveLength(2);
    expect(recorder.log.at(-1)).toBe('handshaken');
  });

  test('close() does what it says when it is complete; what comes meanwhile is dropped, and no hook is told', () => {
    recorder.data = (conn) => conn.close();
    const { transport, fd } = acceptEarly((script) => {
      script.reads.push('GET', 'more', DRY);
      script.shutdowns.push(Status.wantsRead);
    });
    expect(recorder.conn.lifecycle).toBe('early');
    transport.reads.push('more', OPENED, 'more', { status: 'ended' });
    harness.poller.fire([fd, Ready.readable]);
    expect(recorder.log).toEqual(['open', 'early', 'data GET', 'close clean']);
    expect(transport.closed).toBe(true);
  });

  test('close() has its deadline from there on', () => {
    recorder.data = (conn) => conn.close();
    const { fd } = acceptEarly((script) => {
      script.reads.push('GET', DRY, OPENED);
      script.shutdowns.push(Status.wantsRead);
    });
    harness.poller.fire([fd, Ready.readable]);
    expect(recorder.conn.lifecycle).toBe('closing');
    harness.clock.advance(1000);
    expect(recorder.log.at(-1)).toMatch(/^close timeout/);
  });
});

describe('P55 the handshake deadline', () => {
  test('goes on beside early data, and onClose is told', () => {
    acceptEarly((script) => script.reads.push('GET'));
    harness.clock.advance(2000);
    expect(recorder.log.at(-1)).toMatch(/^close timeout: .*handshake/i);
    expect(harness.reactor.stats().deadlines.handshake).toBe(1);
    expect(harness.refused).toEqual([]);
  });

  test('does not count against a peer that is not read', () => {
    recorder.opened = (conn) => conn.pause();
    const { transport } = acceptEarly((script) => script.reads.push('GET'));
    harness.clock.advance(10_000);
    expect([recorder.conn.lifecycle, transport.closed]).toEqual(['early', false]);
    recorder.conn.resume();
    harness.poller.settle();
    expect(recorder.log).toEqual(['open', 'early', 'data GET']);
    harness.clock.advance(2000);
    expect(transport.closed).toBe(true);
  });

  test('is over with the handshake, and the deadlines of an open connection begin', () => {
    const { fd, transport } = acceptEarly((script) => script.reads.push('GET', DRY, OPENED));
    harness.poller.fire([fd, Ready.readable]);
    harness.clock.advance(2000);
    expect(transport.closed).toBe(false);
  });
});

describe('a failure beside early data', () => {
  test('is told to onClose once, after what came before it', () => {
    acceptEarly((script) => script.reads.push('GET', { status: 'failed' }));
    expect(recorder.log).toEqual(['open', 'early', 'data GET', 'close reset: scripted failure']);
    expect(harness.refused).toEqual([]);
  });

  test.each(['opened', 'data', 'handshaken'] as const)(
    'a hook that throws (%s) costs the connection',
    (hook) => {
      recorder[hook] = () => {
        throw new Error('boom');
      };
      const { transport } = acceptEarly((script) => script.reads.push('GET', OPENED));
      expect(transport.closed).toBe(true);
      expect(harness.errors.map(({ message }) => message)).toEqual(['boom']);
      expect(recorder.log.filter((line) => line.startsWith('close'))).toEqual(
        hook === 'opened' ? [] : ['close error: boom'],
      );
    },
  );

  test('a shutdown waits for the handshake, and is told then', () => {
    const { fd, transport } = acceptEarly((script) => script.reads.push('GET', DRY));
    void harness.reactor.shutdown({ deadlineMs: 5000 });
    harness.letListenerClose();
    expect(transport.closed).toBe(false);
    transport.reads.push(OPENED, { status: 'ended' });
    harness.poller.fire([fd, Ready.readable]);
    harness.poller.settle();
    expect(recorder.log.at(-1)).toBe('close clean');
  });
});
