import { Ready } from '@sluice/core-native';
import { beforeEach, describe, expect, test } from 'vitest';
import { Harness } from '../src/testing/index.ts';
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
});
