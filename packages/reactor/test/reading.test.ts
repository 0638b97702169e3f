import { Ready } from '@sluice/core-native';
import { beforeEach, describe, expect, test } from 'vitest';
import { Harness } from '../src/testing/index.ts';
import { Recorder } from './recorder.ts';

let harness: Harness;
let recorder: Recorder;

beforeEach(async () => {
  harness = new Harness({ limits: { readBudgetBytes: 10 } });
  recorder = new Recorder();
  await harness.listen(recorder);
});

describe('when a drain ends', () => {
  test('P1 data that came with the last handshake flight is read without another edge', () => {
    const { fd } = harness.accept((transport) => {
      transport.handshakes.push(-1);
      transport.reads.push('early');
    });
    expect(recorder.log).toEqual([]);
    harness.poller.fire([fd, Ready.readable]);
    expect(recorder.log).toEqual(['open', 'data early']);
  });

  test('a short read saves the call that would say EAGAIN', () => {
    const { transport, fd } = harness.accept();
    transport.calls.length = 0;
    transport.reads.push('abc');
    harness.poller.fire([fd, Ready.readable]);
    expect(transport.calls).toEqual(['read 3']);
    expect(recorder.conn.readHalf).toBe('idle');
  });

  test('a transport that cannot tell whether it ran dry is read until it would block', () => {
    const { transport, fd } = harness.accept();
    transport.tellsDrained = false;
    transport.calls.length = 0;
    transport.reads.push('abc');
    harness.poller.fire([fd, Ready.readable]);
    expect(transport.calls).toEqual(['read 3', 'read wantsRead']);
  });

  test('P2 RDHUP with unread data: the data is delivered first, then the end', () => {
    const { transport, fd } = harness.accept();
    transport.reads.push('last words', { status: 'ended' });
    harness.poller.fire([fd, Ready.readable | Ready.readClosed]);
    harness.poller.settle();
    expect(recorder.log).toEqual(['open', 'data last words', 'end']);
  });

  test('a short read with a hang-up seen is not taken for the last', () => {
    const { transport, fd } = harness.accept();
    transport.reads.push('a');
    harness.poller.fire([fd, Ready.readable | Ready.readClosed]);
    expect(transport.calls.slice(-2)).toEqual(['read 1', 'read wantsRead']);
  });

  test('P5 hang-up and error are hints: what the queue holds is delivered before the close is told', () => {
    const { transport, fd } = harness.accept();
    transport.reads.push('rest', { status: 'failed' });
    harness.poller.fire([fd, Ready.hangup | Ready.error | Ready.readClosed]);
    expect(recorder.log).toEqual(['open', 'data rest', 'close reset: scripted failure']);
  });

  test('P7 a budget that is used up goes on in the next turn without an edge, behind the others', () => {
    const busy = harness.accept();
    const busyConn = recorder.conn;
    const quiet = harness.accept();
    busy.transport.reads.push('0123456789', 'more', 'and more');
    quiet.transport.reads.push('hello');
    harness.poller.fire([busy.fd, Ready.readable], [quiet.fd, Ready.readable]);
    expect(recorder.log.slice(2)).toEqual(['data 0123456789', 'data hello']);
    expect(busyConn.readHalf).toBe('draining');
    expect(harness.poller.awake).toBe(true);
    harness.poller.turn();
    expect(recorder.log.slice(4)).toEqual(['data more', 'data and more']);
    expect(harness.poller.settle()).toBeLessThanOrEqual(1);
    expect(busyConn.readHalf).toBe('idle');
  });

  test('P8 an empty ready list asks for no turn', () => {
    const { transport, fd } = harness.accept();
    transport.reads.push('x');
    harness.poller.fire([fd, Ready.readable]);
    expect(harness.poller.awake).toBe(false);
  });

  test('P15 a read that wants to write waits for the writable edge and then reads on', () => {
    const { transport, fd } = harness.accept();
    transport.reads.push({ status: 'wantsWrite' }, 'after');
    harness.poller.fire([fd, Ready.readable]);
    expect(recorder.conn.readHalf).toBe('wants-write');
    expect(harness.poller.isWritableArmed(fd)).toBe(true);
    harness.poller.fire([fd, Ready.readable]);
    expect(recorder.log).toEqual(['open']);
    harness.poller.fire([fd, Ready.writable]);
    expect(recorder.log).toEqual(['open', 'data after']);
    expect(harness.poller.isWritableArmed(fd)).toBe(false);
  });
});

describe('pause and resume', () => {
  test('P3 a pause inside onData stops the drain at once; resume delivers the rest though no edge comes', () => {
    const { transport, fd } = harness.accept();
    transport.reads.push('one', 'two');
    recorder.data = (conn) => conn.pause();
    harness.poller.fire([fd, Ready.readable]);
    expect(recorder.log).toEqual(['open', 'data one']);
    expect(recorder.conn.readHalf).toBe('paused');
    recorder.data = () => {};
    recorder.conn.resume();
    expect(recorder.log).toEqual(['open', 'data one']);
    harness.poller.settle();
    expect(recorder.log).toEqual(['open', 'data one', 'data two']);
  });

  test('P4 pause and resume in one onData: whether there is more is decided after the hook', () => {
    const { transport, fd } = harness.accept();
    transport.reads.push('one');
    recorder.data = (conn) => {
      transport.reads.push('arrived during the hook');
      recorder.data = () => {};
      conn.pause();
      conn.resume();
    };
    harness.poller.fire([fd, Ready.readable]);
    harness.poller.settle();
    expect(recorder.log).toEqual(['open', 'data one', 'data arrived during the hook']);
  });

  test('edges are absorbed while paused and not lost', () => {
    const { transport, fd } = harness.accept();
    recorder.conn.pause();
    transport.reads.push('while paused');
    harness.poller.fire([fd, Ready.readable]);
    expect(recorder.log).toEqual(['open']);
    recorder.conn.resume();
    harness.poller.settle();
    expect(recorder.log).toEqual(['open', 'data while paused']);
  });

  test('pausing holds the end back until resume', () => {
    const { transport, fd } = harness.accept();
    recorder.conn.pause();
    transport.reads.push({ status: 'ended' });
    harness.poller.fire([fd, Ready.readable | Ready.readClosed]);
    expect(recorder.log).toEqual(['open']);
    recorder.conn.resume();
    harness.poller.settle();
    expect(recorder.log).toEqual(['open', 'end']);
  });

  test('both verbs are harmless twice, and before and after the end', () => {
    const { transport, fd } = harness.accept();
    const { conn } = recorder;
    conn.resume();
    conn.pause();
    conn.pause();
    conn.resume();
    conn.resume();
    transport.reads.push({ status: 'ended' });
    harness.poller.fire([fd, Ready.readable]);
    harness.poller.settle();
    conn.pause();
    expect(conn.readHalf).toBe('ended');
    conn.destroy();
    conn.pause();
    conn.resume();
    expect(conn.readHalf).toBe('ended');
    expect(harness.errors).toEqual([]);
  });
});

describe('borrowed chunks', () => {
  test('a chunk that a protocol kept is poisoned after the call', () => {
    const { transport, fd } = harness.accept();
    let kept: Buffer = Buffer.alloc(0);
    recorder.data = (_conn, chunk) => {
      kept = chunk;
    };
    transport.reads.push('secret');
    harness.poller.fire([fd, Ready.readable]);
    expect(kept).toEqual(Buffer.alloc(6, 0xdd));
  });
});
