/** What the protocol that takes over is told and given, and what the one before is not. Refusals: `refused-becoming.test.ts`. */
import { channel } from 'node:diagnostics_channel';
import { Ready } from '@sluice/core-native';
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import type { Connection, Protocol } from '../src/index.ts';
import { FakeTransport, Harness } from '../src/testing/index.ts';
import { Recorder } from './recorder.ts';

/** A recorder that says who it is, and hears of deadlines, shutdowns and upgrades, too. */
class Named extends Recorder implements Protocol<{ readonly opened: number }> {
  shutdown: (conn: Connection) => void = () => {};
  timedOut: (conn: Connection, which: string) => boolean = () => false;

  onShutdown(conn: Connection): void {
    this.log.push('shutdown');
    this.shutdown(conn);
  }

  onTimeout(conn: Connection, which: string): boolean {
    this.log.push(`timeout ${which}`);
    return this.timedOut(conn, which);
  }

  onUpgraded(): void {
    this.log.push('upgraded');
  }
}

const LIMITS = {
  readBudgetBytes: 1_000,
  highWaterMarkBytes: 100,
  lowWaterMarkBytes: 10,
  firstByteTimeoutMs: 0,
  idleTimeoutMs: 2_000,
};

let harness: Harness;
/** The protocol that a connection begins with, and the one that takes over. */
let first: Named;
let next: Named;
beforeEach(async () => {
  harness = new Harness({ limits: LIMITS });
  first = new Named();
  next = new Named();
  await harness.listen(first);
});

/** A connection that sends `chunks`, of which the first asks for the other protocol by its first byte. */
function acceptSwitching(...chunks: (string | { status: 'ended' })[]) {
  first.data = (conn, chunk) => void conn.become(next, chunk.subarray(1));
  const accepted = harness.accept((script) => script.reads.push(...chunks));
  harness.poller.settle();
  return accepted;
}

describe('a protocol that takes a connection over', () => {
  test('is given what was left of the chunk, then what is in the socket, and the one before nothing', () => {
    const { fd, transport } = acceptSwitching('!head', 'more');
    expect(first.log).toEqual(['open', 'data !head']);
    expect(next.log).toEqual(['open', 'data head', 'data more']);
    transport.reads.push('later');
    harness.poller.fire([fd, Ready.readable]);
    expect(next.log.slice(3)).toEqual(['data later']);
    expect(first.log).toHaveLength(2);
    expect([next.conn, next.conn.state]).toEqual([first.conn, { opened: 1 }]);
  });

  test('opens inside the call, and gets its first bytes only after it', () => {
    const order: string[] = [];
    first.data = (conn, chunk) => {
      order.push('before');
      expect(conn.become(next, chunk)).toBe(true);
      order.push('after');
    };
    next.opened = () => order.push('open');
    next.data = () => order.push('data');
    harness.accept((script) => script.reads.push('x'));
    harness.poller.settle();
    expect(order).toEqual(['before', 'open', 'after', 'data']);
  });

  test('is given a copy: what the reactor lent is poisoned by then', () => {
    acceptSwitching('!secret');
    expect(next.log).toEqual(['open', 'data secret']);
  });

  test('is lent its first bytes for the call only', () => {
    let kept: Uint8Array = Buffer.alloc(0);
    next.data = (_conn, chunk) => {
      kept = chunk;
    };
    acceptSwitching('!borrowed');
    expect(kept).toEqual(Buffer.alloc(8, 0xdd));
  });

  test('called from outside of a hook is given what it is handed although no edge comes', () => {
    const { transport } = harness.accept();
    harness.poller.settle();
    transport.reads.push('unannounced');
    expect(first.conn.become(next, Buffer.from('head'))).toBe(true);
    expect(next.log).toEqual(['open']);
    harness.poller.settle();
    expect(next.log).toEqual(['open', 'data head', 'data unannounced']);
  });

  test('is given as many bytes as there are, in pieces that the read buffer holds', () => {
    harness.accept();
    const head = Buffer.alloc(150_000, 'abcdefg');
    const got: Buffer[] = [];
    next.data = (_conn, chunk) => void got.push(Buffer.from(chunk));
    first.conn.become(next, head);
    harness.poller.settle();
    expect(got.map((each) => each.length)).toEqual([65_536, 65_536, 18_928]);
    expect(Buffer.concat(got).equals(head)).toBe(true);
  });

  test('P7 hands back and forth without end, and others have their turn', () => {
    first.data = (conn, chunk) => void conn.become(next, chunk);
    next.data = (conn, chunk) => void conn.become(first, chunk);
    const { transport } = harness.accept((script) => script.reads.push(Buffer.alloc(200)));
    const other = harness.accept();
    other.transport.reads.push('me too');
    harness.poller.fire([other.fd, Ready.readable]);
    expect(first.log).toContain('data me too');
    expect(transport.closed).toBe(false);
    first.connections[0]!.destroy();
  });

  test('may hand the connection on before it has read anything', () => {
    const third = new Named();
    harness.accept();
    first.conn.become(next, Buffer.from('head'));
    next.conn.become(third, Buffer.from('before '));
    harness.poller.settle();
    expect([next.log, third.log]).toEqual([['open'], ['open', 'data before head']]);
  });

  test('P3 that pauses gets nothing before it resumes, its first bytes included', () => {
    next.opened = (conn) => conn.pause();
    acceptSwitching('!head', 'more', { status: 'ended' });
    expect(next.log).toEqual(['open']);
    next.conn.resume();
    harness.poller.settle();
    expect(next.log).toEqual(['open', 'data head', 'data more', 'end']);
  });

  test('reads, although the one before had paused', () => {
    first.data = (conn) => conn.pause();
    const { transport } = harness.accept((script) => script.reads.push('x'));
    harness.poller.settle();
    transport.reads.push('waits');
    first.conn.become(next);
    harness.poller.settle();
    expect(next.log).toEqual(['open', 'data waits']);
  });

  test('P2 is told of an end that the one before was told of, behind its first bytes', async () => {
    const { transport } = harness.accept((script) => script.reads.push('x', { status: 'ended' }));
    harness.poller.settle();
    expect(first.log).toEqual(['open', 'data x', 'end']);
    transport.reads.push({ status: 'ended' });
    first.conn.become(next, Buffer.from('head'));
    harness.poller.settle();
    expect(next.log).toEqual(['open', 'data head', 'end']);
    next.conn.end();
    await undefined;
    expect(next.log.slice(3)).toEqual(['close clean']);
    expect(first.log).toHaveLength(3);
  });

  test('whose peer has ended may pause, and is then told nothing before it resumes', () => {
    const { transport } = harness.accept((script) => script.reads.push({ status: 'ended' }));
    harness.poller.settle();
    transport.reads.push({ status: 'ended' });
    next.opened = (conn) => conn.pause();
    first.conn.become(next, Buffer.from('head'));
    harness.poller.settle();
    expect(next.log).toEqual(['open']);
    next.conn.resume();
    harness.poller.settle();
    expect(next.log).toEqual(['open', 'data head', 'end']);
  });

  test('writes behind what was written before, and is told when all of it has left', async () => {
    const { fd, transport } = harness.accept();
    transport.writes.push({ status: 'wantsWrite' });
    first.conn.write('101\n'.padEnd(200, '.'));
    await undefined;
    first.conn.become(next);
    expect(next.conn.needsDrain).toBe(true);
    next.conn.write('mine');
    harness.poller.fire([fd, Ready.writable]);
    expect(transport.written.toString()).toBe(`${'101\n'.padEnd(200, '.')}mine`);
    expect([first.log, next.log]).toEqual([['open'], ['open', 'drain']]);
  });

  test('sends its first words together with the last of the one before', () => {
    next.opened = (conn) => void conn.write('hello');
    first.data = (conn) => {
      conn.write('101\n');
      conn.become(next);
    };
    const { transport } = harness.accept((script) => script.reads.push('x'));
    harness.poller.settle();
    expect(transport.calls.filter((call) => call.startsWith('write'))).toEqual(['write 9/9']);
  });

  test('P55 has the deadlines of the limits, from the call on, and none of the other', () => {
    harness.accept();
    first.conn.setTimeouts({ idleTimeoutMs: 600 });
    first.conn.setDeadline(900);
    harness.clock.advance(500);
    first.conn.become(next);
    harness.poller.settle();
    harness.clock.advance(1_800);
    expect([first.log, next.log]).toEqual([['open'], ['open']]);
    harness.clock.advance(500);
    expect(next.log).toEqual([
      'open',
      'timeout idle',
      expect.stringMatching(/^close timeout: .*idleTimeoutMs/),
    ]);
    expect(first.log).toEqual(['open']);
  });

  test('is told of a shutdown that the one before was told of, once, behind its first bytes', async () => {
    harness.accept();
    const shutdown = harness.reactor.shutdown({ deadlineMs: 5_000 });
    harness.letListenerClose();
    expect(first.log).toEqual(['open', 'shutdown']);
    next.shutdown = (conn) => conn.close();
    first.conn.become(next, Buffer.from('head'));
    harness.poller.settle();
    expect(next.log).toEqual(['open', 'data head', 'shutdown']);
    next.conn.destroy();
    harness.letListenerClose();
    expect(await shutdown).toEqual({ drained: 1, destroyed: 0 });
    expect(first.log).toHaveLength(2);
  });

  test('P31 is told of the close, once, and the one before is not', () => {
    const { transport } = acceptSwitching('!', { status: 'ended' });
    next.conn.destroy(new Error('enough'));
    expect(next.log).toEqual(['open', 'end', 'close error: enough']);
    expect(first.log).toEqual(['open', 'data !']);
    expect(transport.closed).toBe(true);
    expect(harness.reactor.stats()).toMatchObject({ connections: 0, opened: 1, closed: 1 });
  });

  test('P31 that destroys while it opens is told of the close when it has its state', () => {
    next.opened = (conn) => conn.destroy();
    acceptSwitching('!head', 'more');
    expect(next.log).toEqual(['open', 'close clean']);
    expect(first.log).toEqual(['open', 'data !head']);
  });

  test('P54 that throws while it opens costs the connection, and is told of no close', () => {
    const failure = new Error('no state');
    let became: boolean | undefined;
    first.data = (conn) => {
      became = conn.become(next);
    };
    next.opened = () => {
      throw failure;
    };
    const { transport } = harness.accept((script) => script.reads.push('x', 'more'));
    harness.poller.settle();
    expect([became, transport.closed, harness.errors]).toEqual([false, true, [failure]]);
    expect([first.log, next.log]).toEqual([['open', 'data x'], ['open']]);
    expect(harness.reactor.stats()).toMatchObject({ connections: 0, closed: 1 });
  });

  test('P54 that throws while it opens gives its place to the next in the backlog', async () => {
    harness = new Harness({ limits: { maxConnections: 1 } });
    await harness.listen(first);
    next.opened = () => {
      throw new Error('no state');
    };
    harness.accept();
    const { conn } = first;
    harness.offer();
    harness.poller.fire([harness.listenerFd, Ready.readable]);
    expect(first.connections).toHaveLength(1);
    conn.become(next);
    harness.poller.settle();
    expect(first.connections).toHaveLength(2);
  });

  test('P54 that throws on its first bytes costs the connection, reported once', () => {
    next.data = () => {
      throw new Error('what is this');
    };
    acceptSwitching('!head', 'more');
    expect(next.log).toEqual(['open', 'data head', 'close error: what is this']);
    expect(harness.errors.map(({ message }) => message)).toEqual(['what is this']);
  });

  test('P32 may take over when a write has failed: it gets what the peer sent before that, and the close', async () => {
    const { transport } = harness.accept();
    transport.writes.push({ status: 'failed' });
    transport.reads.push('!parting', ' words', { status: 'failed' });
    first.data = (conn, chunk) => expect(conn.become(next, chunk.subarray(1))).toBe(true);
    first.conn.write('x');
    await undefined;
    harness.poller.settle();
    expect(first.log).toEqual(['open', 'data !parting']);
    expect(next.log).toEqual(['open', 'data parting', 'data  words', 'close reset: scripted failure']);
    expect(harness.errors).toEqual([]);
  });

  test('that closes at once gets none of its first bytes', () => {
    next.opened = (conn) => conn.close();
    acceptSwitching('!head', { status: 'ended' });
    expect(next.log).toEqual(['open', 'close clean']);
  });

  test('may put a transport on, whose first input is what it was handed and has not got', () => {
    const sealed = new FakeTransport();
    const heads: string[] = [];
    const accept = (_fd: number, head?: Uint8Array) => {
      heads.push(Buffer.from(head ?? []).toString());
      return sealed;
    };
    next.opened = (conn) =>
      conn.upgrade({ name: 'next', upgrades: true, accept }, { head: Buffer.from('this then ') });
    acceptSwitching('!that');
    expect(heads).toEqual(['this then that']);
    expect(next.log).toEqual(['open', 'upgraded']);
  });

  test('is told to who watches diagnostics, before it opens', () => {
    const seen: unknown[] = [];
    const listener = (message: unknown) => seen.push(message, [...next.log]);
    channel('sluice.connection.become').subscribe(listener);
    onTestFinished(() => void channel('sluice.connection.become').unsubscribe(listener));
    acceptSwitching('!');
    expect(seen).toEqual([{ connection: next.conn }, []]);
  });
});
