import { Ready, Status } from '@sluice/core-native';
import { beforeEach, describe, expect, test } from 'vitest';
import { Harness } from '../src/testing/index.ts';
import { Recorder } from './recorder.ts';

let harness: Harness;
let recorder: Recorder;

beforeEach(async () => {
  harness = new Harness({ limits: { highWaterMarkBytes: 100, lowWaterMarkBytes: 10, maxQueuedBytes: 1000 } });
  recorder = new Recorder();
  await harness.listen(recorder);
});

const nextMicrotask = () => Promise.resolve();

describe('writes', () => {
  test('of one dispatch leave together when it ends', () => {
    const { transport, fd } = harness.accept();
    recorder.data = (conn) => {
      conn.write('a');
      conn.write(Buffer.from('b'));
      conn.write('é', 'latin1');
      expect(transport.calls.filter((call) => call.startsWith('write'))).toEqual([]);
    };
    transport.reads.push('go');
    harness.poller.fire([fd, Ready.readable]);
    expect(transport.calls.filter((call) => call.startsWith('write'))).toEqual(['write 3/3']);
    expect(transport.written).toEqual(Buffer.from([0x61, 0x62, 0xe9]));
  });

  test.each([47, 48, 49, 300])(
    'of %i characters of Latin-1 are as many bytes, whatever their kind',
    (length) => {
      const { transport, fd } = harness.accept();
      const text = Array.from({ length }, (_, at) => String.fromCharCode(at % 256)).join('');
      recorder.data = (conn) => {
        conn.write('<');
        conn.write(text, 'latin1');
        conn.write(`${text}${text}`.slice(1, 1 + length), 'latin1');
      };
      transport.reads.push('go');
      harness.poller.fire([fd, Ready.readable]);
      expect(transport.written).toEqual(
        Buffer.from(`<${text}${`${text}${text}`.slice(1, 1 + length)}`, 'latin1'),
      );
    },
  );

  test('made between turns leave together in a microtask', async () => {
    const { transport } = harness.accept();
    recorder.conn.write('a');
    recorder.conn.write('b');
    expect(transport.written.toString()).toBe('');
    await nextMicrotask();
    expect(transport.calls.slice(-1)).toEqual(['write 2/2']);
  });

  test('to another connection leave at the end of the turn', () => {
    const first = harness.accept();
    const other = recorder.conn;
    const second = harness.accept();
    recorder.data = () => {
      other.write('from ');
      other.write('afar');
    };
    second.transport.reads.push('x');
    harness.poller.fire([second.fd, Ready.readable]);
    expect(first.transport.written.toString()).toBe('from afar');
    expect(first.transport.calls.slice(-1)).toEqual(['write 9/9']);
  });

  test('never keep the memory of the caller', async () => {
    const { transport, fd } = harness.accept();
    transport.writes.push({ status: 'wantsWrite' });
    const data = Buffer.from('original');
    recorder.conn.write(data);
    data.fill('x');
    await nextMicrotask();
    harness.poller.fire([fd, Ready.writable]);
    expect(transport.written.toString()).toBe('original');
  });

  test('keep the memory when it is shared', async () => {
    const { transport } = harness.accept();
    const data = Buffer.from('shared');
    recorder.conn.writeShared(data);
    data.write('S');
    await nextMicrotask();
    expect(transport.written.toString()).toBe('Shared');
  });

  test('P18 an empty write never reaches the transport', async () => {
    const { transport } = harness.accept();
    expect(recorder.conn.write('')).toBe(true);
    expect(recorder.conn.write(Buffer.alloc(0))).toBe(true);
    await nextMicrotask();
    expect(transport.calls.filter((call) => call.startsWith('write'))).toEqual([]);
  });

  test('large and small ones keep their order', () => {
    const { transport, fd } = harness.accept();
    const large = Buffer.alloc(40_000, 'L');
    harness.reactor.stats();
    recorder.data = (conn) => {
      conn.write('a');
      conn.write(large);
      conn.write('b');
      conn.write('c'.repeat(70_000));
      conn.write('d');
    };
    transport.writes.push(1, 39_000);
    transport.reads.push('go');
    harness.poller.fire([fd, Ready.readable]);
    expect(transport.written.toString()).toBe(`a${large}b${'c'.repeat(70_000)}d`);
  });
});

describe('a blocked write', () => {
  test('P12 arms the writable edge, is retried at it, and disarms', async () => {
    const { transport, fd } = harness.accept();
    transport.writes.push(3, { status: 'wantsWrite' });
    recorder.conn.write('abcdef');
    await nextMicrotask();
    expect(recorder.conn.writeHalf).toBe('blocked');
    expect(harness.poller.modified).toEqual([{ fd, interest: 3 }]);
    harness.poller.fire([fd, Ready.writable]);
    expect(transport.written.toString()).toBe('abcdef');
    expect(recorder.conn.writeHalf).toBe('ready');
    expect(harness.poller.modified.slice(1)).toEqual([{ fd, interest: 1 }]);
  });

  test('P17 is offered again with the same bytes, never fewer, whatever was written meanwhile', async () => {
    const { transport, fd } = harness.accept();
    const { conn } = recorder;
    transport.writes.push({ status: 'wantsWrite' }, { status: 'wantsWrite' }, { status: 'wantsWrite' });
    conn.write('first');
    await nextMicrotask();
    for (const text of ['second', 'third']) {
      conn.write(text);
      harness.poller.fire([fd, Ready.writable]);
    }
    const [one, two, three] = transport.offered.map(String);
    expect(one).toBe('first');
    expect(two?.startsWith(one ?? '-')).toBe(true);
    expect(three?.startsWith(two ?? '-')).toBe(true);
    harness.poller.fire([fd, Ready.writable]);
    expect(transport.written.toString()).toBe('firstsecondthird');
  });

  test('P16 that wants to read waits for the readable edge; the read side keeps delivering; then it is retried', async () => {
    const { transport, fd } = harness.accept();
    transport.writes.push({ status: 'wantsRead' });
    recorder.conn.write('answer');
    await nextMicrotask();
    expect(recorder.conn.writeHalf).toBe('wants-read');
    expect(harness.poller.isWritableArmed(fd)).toBe(false);
    transport.reads.push('question');
    harness.poller.fire([fd, Ready.readable]);
    expect(recorder.log).toEqual(['open', 'data question']);
    expect(transport.written.toString()).toBe('answer');
    expect(transport.calls.slice(-2)).toEqual(['read 8', 'write 6/6']);
  });

  test('P16 that wants to read is retried behind a drain that no edge began', async () => {
    const { transport, fd } = harness.accept();
    recorder.data = (conn) => conn.pause();
    transport.reads.push('fills the socket', 'question');
    harness.poller.fire([fd, Ready.readable]);
    transport.writes.push({ status: 'wantsRead' });
    recorder.conn.write('answer');
    await nextMicrotask();
    expect([recorder.conn.writeHalf, recorder.conn.readHalf]).toEqual(['wants-read', 'paused']);
    // What it waits for is behind the question, and in already.
    recorder.data = () => {};
    recorder.conn.resume();
    harness.poller.settle();
    expect(transport.written.toString()).toBe('answer');
    expect(transport.calls.slice(-2)).toEqual(['read 8', 'write 6/6']);
  });

  test('P8 P16 that has taken input off the socket brings a read about, once', async () => {
    const { transport } = harness.accept();
    transport.writes.push({ status: 'wantsRead' });
    transport.reads.push('taken');
    transport.readDue = true;
    recorder.conn.write('answer');
    await nextMicrotask();
    harness.poller.settle();
    expect(recorder.log).toEqual(['open', 'data taken']);
    expect(recorder.conn.readHalf).toBe('idle');
    expect(transport.written.toString()).toBe('answer');
    // Nor does one that nobody may read spin.
    recorder.conn.pause();
    transport.readDue = true;
    recorder.conn.write('more');
    await nextMicrotask();
    harness.poller.settle();
    const calls = transport.calls.length;
    harness.poller.settle();
    expect(transport.calls.length).toBe(calls);
  });

  test('P11 readable and writable in one event are both served before the next wait', async () => {
    const { transport, fd } = harness.accept();
    transport.writes.push({ status: 'wantsWrite' });
    recorder.conn.write('out');
    await nextMicrotask();
    transport.reads.push('in');
    harness.poller.fire([fd, Ready.readable | Ready.writable]);
    expect(recorder.log).toEqual(['open', 'data in']);
    expect(transport.written.toString()).toBe('out');
  });

  test('P32 that fails closes with the reason, after what the peer sent has been delivered', async () => {
    const { transport } = harness.accept();
    transport.writes.push({ status: 'failed' });
    transport.reads.push('parting words', { status: 'failed' });
    recorder.conn.write('x');
    await nextMicrotask();
    expect(recorder.conn.write('y')).toBe(false);
    harness.poller.settle();
    expect(recorder.log).toEqual(['open', 'data parting words', 'close reset: scripted failure']);
  });

  test.each([undefined, new Error('given up')])(
    'P32 that fails is the reason also when a hook destroys the connection over it (%s)',
    async (error) => {
      const { transport } = harness.accept();
      transport.writes.push({ status: 'failed' });
      transport.reads.push('parting words');
      recorder.data = (conn) => conn.destroy(error);
      recorder.conn.write('x');
      await nextMicrotask();
      harness.poller.settle();
      expect(recorder.log).toEqual(['open', 'data parting words', 'close reset: scripted failure']);
    },
  );
});

describe('backpressure', () => {
  test('write answers false from the high-water mark on, and onDrain comes at the low-water mark', async () => {
    const { transport, fd } = harness.accept();
    const { conn } = recorder;
    transport.writes.push({ status: 'wantsWrite' });
    expect(conn.write('x'.repeat(99))).toBe(true);
    expect(conn.write('y')).toBe(false);
    expect(conn.needsDrain).toBe(true);
    await nextMicrotask();
    transport.writes.push(50, { status: 'wantsWrite' });
    harness.poller.fire([fd, Ready.writable]);
    expect(recorder.log).toEqual(['open']);
    transport.writes.push(45, { status: 'wantsWrite' });
    harness.poller.fire([fd, Ready.writable]);
    expect(recorder.log).toEqual(['open', 'drain']);
    expect(conn.queuedBytes).toBe(5);
    expect(conn.needsDrain).toBe(false);
  });

  test('a producer that the socket keeps up with gives others their turn', async () => {
    harness.accept();
    let rounds = 0;
    recorder.drain = (conn) => {
      rounds += 1;
      if (rounds < 5) while (conn.write('x'.repeat(60)));
    };
    while (recorder.conn.write('x'.repeat(60)));
    await nextMicrotask();
    expect(rounds).toBe(1);
    harness.poller.turn();
    expect(rounds).toBe(2);
    harness.poller.settle();
    expect(rounds).toBe(5);
  });

  test('P57 the hard cap closes the connection with reason limit and says what to do', async () => {
    const { transport } = harness.accept();
    transport.writes.push({ status: 'wantsWrite' });
    expect(recorder.conn.write('x'.repeat(1001))).toBe(false);
    expect(recorder.log.at(-1)).toBe(
      'close limit: 1001 bytes are queued and the cap is 1000. Stop writing when write() answers false and go on in onDrain, or raise maxQueuedBytes.',
    );
    expect(transport.closed).toBe(true);
  });
});

describe('ending', () => {
  test('P24 end sends everything queued, then ends our side, in that order, also when it was blocked', async () => {
    const { transport, fd } = harness.accept();
    transport.writes.push({ status: 'wantsWrite' });
    recorder.conn.write('queued');
    await nextMicrotask();
    recorder.conn.end(' last');
    expect(recorder.conn.writeHalf).toBe('ending-blocked');
    await nextMicrotask();
    expect(transport.calls).not.toContain('shutdownWrite');
    harness.poller.fire([fd, Ready.writable]);
    expect(transport.written.toString()).toBe('queued last');
    expect(transport.calls.slice(-2)).toEqual(['write 11/11', 'shutdownWrite']);
    expect(recorder.conn.writeHalf).toBe('ended');
    expect(recorder.conn.write('late')).toBe(false);
  });

  test('an end that blocks is finished at the edge it wants', async () => {
    const { transport, fd } = harness.accept();
    transport.shutdowns.push(Status.wantsWrite, Status.wantsRead, 0);
    recorder.conn.end();
    await nextMicrotask();
    expect(recorder.conn.writeHalf).toBe('ending-blocked');
    harness.poller.fire([fd, Ready.writable]);
    expect(recorder.conn.writeHalf).toBe('ending-wants-read');
    harness.poller.fire([fd, Ready.readable]);
    expect(recorder.conn.writeHalf).toBe('ended');
    expect(harness.poller.isWritableArmed(fd)).toBe(false);
  });

  test('P28 after the peer ended we may go on writing', () => {
    const { transport, fd } = harness.accept();
    recorder.ended = (conn) => conn.write('still here');
    transport.reads.push({ status: 'ended' });
    harness.poller.fire([fd, Ready.readable | Ready.readClosed]);
    expect(transport.written.toString()).toBe('still here');
    expect(recorder.conn.lifecycle).toBe('open');
  });

  test('after our end the peer may go on sending', async () => {
    const { transport, fd } = harness.accept();
    recorder.conn.end();
    await nextMicrotask();
    transport.reads.push('more', { status: 'ended' });
    harness.poller.fire([fd, Ready.readable | Ready.readClosed]);
    expect(recorder.log).toEqual(['open', 'data more', 'end', 'close clean']);
    expect(transport.closed).toBe(true);
  });

  test('P25 queued bytes are not lost when the peer half-closes', async () => {
    const { transport, fd } = harness.accept();
    recorder.ended = (conn) => conn.end();
    transport.writes.push({ status: 'wantsWrite' });
    recorder.conn.write('answer');
    await nextMicrotask();
    transport.reads.push({ status: 'ended' });
    harness.poller.fire([fd, Ready.readable | Ready.readClosed]);
    expect(transport.closed).toBe(false);
    harness.poller.fire([fd, Ready.writable]);
    expect(transport.written.toString()).toBe('answer');
    expect(transport.calls.slice(-2)).toEqual(['shutdownWrite', 'close']);
    expect(recorder.log).toEqual(['open', 'end', 'close clean']);
  });

  test('a protocol without onEnd ends its side when the peer does', async () => {
    await harness.listen({ onOpen: (conn) => conn.write('bye') });
    const { transport } = harness.accept((script) => script.reads.push({ status: 'ended' }));
    expect(transport.calls.slice(-3)).toEqual(['write 3/3', 'shutdownWrite', 'close']);
  });
});
