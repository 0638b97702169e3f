import { Ready, Status } from '@sluice/core-native';
import { beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { type Connection, UsageError } from '../src/index.ts';
import { FakeTransport, Harness } from '../src/testing/index.ts';
import { Recorder } from './recorder.ts';

let harness: Harness;
let protocol: Recorder;
beforeEach(async () => {
  harness = new Harness({ limits: { readBudgetBytes: 1_000 } });
  protocol = new Recorder();
  await harness.listen(protocol);
});

function accept(...chunks: (string | { status: 'ended' })[]) {
  const accepted = harness.accept(({ reads }) => reads.push(...chunks));
  harness.poller.settle();
  return accepted;
}

/** Hands back all but the first byte of the first `times` chunks. */
function takeOne(times: number): void {
  protocol.data = (conn, chunk) => {
    if (protocol.log.filter((each) => each.startsWith('data')).length <= times)
      conn.unshift(chunk.subarray(1));
  };
}

describe('bytes that are given back', () => {
  test('come anew, ahead of what is in the socket and of the end, though the chunk was poisoned', () => {
    takeOne(2);
    accept('abc', 'd', { status: 'ended' });
    expect(protocol.log).toEqual(['open', 'data abc', 'data bc', 'data c', 'data d', 'end']);
  });

  test('come anew where the socket has run dry', () => {
    takeOne(1);
    const { fd, transport } = accept();
    transport.reads.push('abc');
    harness.poller.fire([fd, Ready.readable]);
    harness.poller.settle();
    expect(protocol.log).toEqual(['open', 'data abc', 'data bc']);
  });

  test('wait while it is paused, and come when it resumes, not from inside that call', () => {
    protocol.data = (conn, chunk) => {
      if (chunk.length < 3) return;
      conn.pause();
      expect(conn.unshift(chunk.subarray(1))).toBe(true);
      expect(conn.readHalf).toBe('paused');
    };
    accept('abc', 'd');
    expect(protocol.log).toEqual(['open', 'data abc']);
    protocol.conn.resume();
    expect(protocol.log).toHaveLength(2);
    harness.poller.settle();
    expect(protocol.log.slice(2)).toEqual(['data bc', 'data d']);
  });

  test('P7 without end do not keep others from their turn', () => {
    protocol.data = (conn, chunk) => void (chunk.length > 100 && conn.unshift(chunk));
    const greedy = harness.accept((script) => script.reads.push(Buffer.alloc(200)));
    const other = harness.accept();
    other.transport.reads.push('me too');
    harness.poller.fire([other.fd, Ready.readable]);
    expect(protocol.log).toContain('data me too');
    expect(greedy.transport.closed).toBe(false);
    protocol.connections[0]!.destroy();
  });

  test('go to the protocol that the connection is handed to, behind what that was given', () => {
    const next = new Recorder();
    protocol.data = (conn, chunk) => {
      conn.unshift(chunk.subarray(1));
      conn.become(next, Buffer.from('head '));
    };
    accept('abc');
    expect(next.log).toEqual(['open', 'data head bc']);
  });

  test('are dropped once the end was told, and when the connection is closing or closed', () => {
    const answers: boolean[] = [];
    const giveBack = () => void answers.push(protocol.conn.unshift(Buffer.from('x')));
    protocol.ended = (conn) => {
      giveBack();
      conn.end();
    };
    protocol.closed = giveBack;
    accept('abc', { status: 'ended' });
    giveBack();
    expect(answers).toEqual([false, false, false]);
    expect(protocol.log).toEqual(['open', 'data abc', 'end', 'close clean']);
    accept('abc');
    protocol.conn.close();
    giveBack();
    harness.poller.settle();
    expect(answers.at(-1)).toBe(false);
  });

  test('given back last come first', () => {
    takeOne(0);
    accept();
    protocol.conn.unshift(Buffer.from('c'));
    protocol.conn.unshift(Buffer.from('b'));
    protocol.conn.unshift(Buffer.from('a'));
    expect(protocol.log).toEqual(['open']);
    harness.poller.settle();
    expect(protocol.log).toEqual(['open', 'data abc']);
  });

  test('in onOpen come when that has returned, ahead of what is in the socket', () => {
    protocol.opened = (conn) => {
      expect(conn.unshift(Buffer.from('x'))).toBe(true);
      expect(protocol.log).toEqual(['open']);
    };
    protocol.data = (conn) => expect(conn.state).toEqual({ opened: 1 });
    accept('abc');
    expect(protocol.log).toEqual(['open', 'data x', 'data abc']);
  });

  test('in onOpen of the next protocol come ahead of what that was given', () => {
    const next = new Recorder();
    next.opened = (conn) => void conn.unshift(Buffer.from('x '));
    protocol.data = (conn) => conn.become(next, Buffer.from('head'));
    accept('abc');
    expect(next.log).toEqual(['open', 'data x head']);
  });

  test('that are none are no reason to read: nothing comes, and the socket is left alone', () => {
    const { transport } = accept();
    const calls = transport.calls.length;
    expect(protocol.conn.unshift(new Uint8Array(0))).toBe(true);
    harness.poller.settle();
    expect(transport.calls).toHaveLength(calls);
    protocol.conn.pause();
    expect(protocol.conn.unshift(new Uint8Array(0))).toBe(true);
    expect(protocol.conn.readHalf).toBe('paused');
    expect(protocol.log).toEqual(['open']);
  });

  test('are more than a read has room for: they come whole, in order, in pieces', () => {
    const many = Buffer.alloc(150_000, 'abcdefg');
    const pieces: Buffer[] = [];
    protocol.data = (_conn, chunk) => void pieces.push(Buffer.from(chunk));
    accept();
    protocol.conn.unshift(many);
    harness.poller.settle();
    expect(pieces.length).toBeGreaterThan(1);
    expect(Buffer.concat(pieces).equals(many)).toBe(true);
  });

  test('of a long backlog are copied alone, and not what is behind them', () => {
    const many = Buffer.alloc(4_194_304, 'abcdefg');
    const taken: Buffer[] = [];
    let steps = 0;
    protocol.onData = (conn, chunk) => {
      steps += 1;
      taken.push(Buffer.from(chunk.subarray(0, 16_384)));
      conn.unshift(chunk.subarray(16_384));
    };
    accept();
    const concats = vi.spyOn(Buffer, 'concat');
    const sets = vi.spyOn(Object.getPrototypeOf(Uint8Array.prototype), 'set');
    onTestFinished(() => void vi.restoreAllMocks());
    protocol.conn.unshift(many);
    while (harness.poller.turn());
    const copied = [
      ...concats.mock.results.map(({ value }) => (value as Buffer).length),
      ...sets.mock.calls.map(([bytes]) => (bytes as Uint8Array).length),
    ];
    vi.restoreAllMocks();
    expect(Buffer.concat(taken).equals(many)).toBe(true);
    // Into the read buffer, and back; and all that is left once or twice, to make room for the first that is given back.
    const mostBytes = 3 * many.length + steps * 2 * 65_536;
    expect(copied.reduce((sum, bytes) => sum + bytes, 0)).toBeLessThan(mostBytes);
  });

  test('come when it resumes, ahead of the end of a peer that ended while it was paused', () => {
    protocol.data = (conn, chunk) => {
      if (chunk.length < 3) return;
      conn.pause();
      conn.unshift(chunk.subarray(1));
    };
    const { fd } = accept('abc', { status: 'ended' });
    harness.poller.fire([fd, Ready.readable | Ready.hangup]);
    harness.poller.settle();
    expect(protocol.log).toEqual(['open', 'data abc']);
    protocol.conn.resume();
    harness.poller.settle();
    expect(protocol.log).toEqual(['open', 'data abc', 'data bc', 'end']);
  });

  test('come after our own end: reading goes on', () => {
    protocol.data = (conn, chunk) => {
      if (chunk.length < 3) return;
      conn.end();
      expect(conn.unshift(chunk.subarray(1))).toBe(true);
    };
    accept('abc');
    expect(protocol.log).toEqual(['open', 'data abc', 'data bc']);
  });

  test('are gone with a connection that is destroyed, or closed, before they came', () => {
    for (const leave of ['destroy', 'close'] as const) {
      protocol.data = (conn, chunk) => {
        conn.unshift(chunk);
        conn[leave]();
      };
      accept('abc', { status: 'ended' });
      expect(protocol.log.splice(0)).toEqual(['open', 'data abc', 'close clean']);
    }
  });

  test('are refused beside a handshake that a close waits for', () => {
    const answers: boolean[] = [];
    const early = Object.assign(protocol, { earlyData: true });
    early.data = (conn, chunk) => {
      answers.push(conn.unshift(chunk.subarray(1)));
      if (chunk.length > 1) return;
      conn.close();
      answers.push(conn.unshift(Buffer.from('x')));
    };
    harness.accept((script) => {
      script.secure = true;
      script.handshakes.push(Status.early);
      script.reads.push('ab');
    });
    harness.poller.settle();
    expect([protocol.conn.lifecycle, answers]).toEqual(['early', [true, true, false]]);
    expect(protocol.log).toEqual(['open', 'data ab', 'data b']);
  });

  test.each([
    ['a string', 'bc'],
    ['nothing', undefined],
    ['an ArrayBuffer', new ArrayBuffer(2)],
  ])('have to be bytes: %s is a mistake that changes nothing', (_what, wrong) => {
    accept('abc');
    const giveBack = () => protocol.conn.unshift(wrong as unknown as Uint8Array);
    expect(giveBack).toThrow(UsageError);
    expect(giveBack).toThrow(
      expect.objectContaining({
        code: 'ERR_OPTION_VALUE',
        message: expect.stringContaining('unshift needs bytes'),
      }),
    );
    harness.poller.settle();
    expect(protocol.log).toEqual(['open', 'data abc']);
    expect(protocol.conn.readHalf).toBe('idle');
  });
});

describe('bytes that are given back before an upgrade', () => {
  /** A transport to come that waits with its handshake for an edge, and what it was given as its first input. */
  function successor() {
    const transport = new FakeTransport();
    transport.handshakes.push(Status.wantsRead);
    const heads: string[] = [];
    const accept = (_fd: number, head?: Uint8Array) => {
      heads.push(Buffer.from(head ?? 'none').toString());
      return transport;
    };
    return { transport, heads, upgrade: { name: 'next', upgrades: true, accept } };
  }

  test('P12 are the first input of its transport, behind the head, and never come to the protocol', () => {
    const next = successor();
    protocol.data = (conn, chunk) => {
      conn.unshift(chunk.subarray(5));
      conn.upgrade(next.upgrade, { head: Buffer.from('head ') });
    };
    const { fd } = accept('starthello');
    harness.poller.fire([fd, Ready.readable]);
    harness.poller.settle();
    expect(next.heads).toEqual(['head hello']);
    expect(protocol.log).toEqual(['open', 'data starthello']);
    expect(protocol.conn.lifecycle).toBe('open');
  });

  test('are so when it is paused, too', () => {
    const next = successor();
    protocol.data = (conn, chunk) => {
      conn.pause();
      conn.unshift(chunk.subarray(5));
      conn.upgrade(next.upgrade, { head: new Uint8Array(0) });
    };
    const { fd } = accept('starthello');
    harness.poller.fire([fd, Ready.readable]);
    protocol.conn.resume();
    harness.poller.settle();
    expect(next.heads).toEqual(['hello']);
    expect(protocol.log).toEqual(['open', 'data starthello']);
  });

  test('are refused during its handshake, and come again after it', () => {
    const next = successor();
    const answers: boolean[] = [];
    const upgrading = Object.assign(protocol, {
      onUpgraded: (conn: Connection) => void answers.push(conn.unshift(Buffer.from('after'))),
    });
    upgrading.data = (conn, chunk) => {
      if (chunk.toString() !== 'start') return;
      conn.upgrade(next.upgrade, { head: new Uint8Array(0) });
      answers.push(conn.unshift(Buffer.from('plain')));
    };
    const { fd } = accept('start');
    next.transport.reads.push('sealed');
    harness.poller.fire([fd, Ready.readable]);
    harness.poller.settle();
    expect(answers).toEqual([false, true]);
    expect(protocol.log).toEqual(['open', 'data start', 'data after', 'data sealed']);
  });
});
