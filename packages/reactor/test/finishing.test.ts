/** `onFinish`: when our side has ended. */
import { Ready, Status } from '@sluice/core-native';
import { beforeEach, describe, expect, test } from 'vitest';
import type { Connection } from '../src/index.ts';
import { Harness } from '../src/testing/index.ts';
import { Recorder } from './recorder.ts';

class FinishRecorder extends Recorder {
  finished: (conn: Connection) => void = () => {};

  onFinish(conn: Connection): void {
    this.log.push('finish');
    this.finished(conn);
  }
}

let harness: Harness;
let recorder: FinishRecorder;

beforeEach(async () => {
  harness = new Harness({ limits: { closeTimeoutMs: 1000, lowWaterMarkBytes: 0 } });
  recorder = new FinishRecorder();
  await harness.listen(recorder);
});

const nextMicrotask = () => Promise.resolve();

describe('onFinish', () => {
  test('comes when all that was written has left, and the end behind it', async () => {
    const { transport, fd } = harness.accept();
    transport.writes.push(2, { status: 'wantsWrite' });
    transport.shutdowns.push(Status.wantsWrite);
    recorder.conn.end('hello');
    await nextMicrotask();
    harness.poller.fire([fd, Ready.writable]);
    expect(transport.written.toString()).toBe('hello');
    expect(recorder.log).toEqual(['open']);
    harness.poller.fire([fd, Ready.writable]);
    expect(recorder.log).toEqual(['open', 'finish']);
    transport.reads.push('more', { status: 'ended' });
    harness.poller.fire([fd, Ready.readable]);
    expect(recorder.log).toEqual(['open', 'finish', 'data more', 'end', 'close clean']);
  });

  test('comes before onClose where the peer had ended its side', () => {
    const { transport, fd } = harness.accept();
    recorder.ended = (conn) => conn.end('bye');
    transport.reads.push({ status: 'ended' });
    harness.poller.fire([fd, Ready.readable]);
    expect(recorder.log).toEqual(['open', 'end', 'finish', 'close clean']);
  });

  test('comes after close(), once', async () => {
    harness.accept();
    recorder.conn.close();
    await nextMicrotask();
    recorder.conn.end();
    await nextMicrotask();
    expect(recorder.log).toEqual(['open', 'finish']);
    harness.clock.advance(1100);
    expect(recorder.log.slice(2)).toEqual([expect.stringMatching(/^close timeout/)]);
  });

  test('does not come where the connection closes before', async () => {
    const destroyed = harness.accept();
    destroyed.transport.writes.push({ status: 'wantsWrite' });
    recorder.conn.end('unsent');
    await nextMicrotask();
    recorder.conn.destroy();
    const broken = harness.accept();
    broken.transport.writes.push({ status: 'failed' });
    recorder.conn.end('unsent');
    await nextMicrotask();
    harness.poller.settle();
    expect(recorder.log.map((entry) => entry.split(' ')[0])).toEqual(['open', 'close', 'open', 'close']);
  });

  test('may resume, and destroy: nothing else comes then but onClose', async () => {
    const { transport, fd } = harness.accept();
    transport.reads.push('came before');
    recorder.conn.pause();
    recorder.finished = (conn) => conn.resume();
    recorder.conn.end();
    await nextMicrotask();
    harness.poller.fire([fd, Ready.readable]);
    expect(recorder.log).toEqual(['open', 'finish', 'data came before']);
    harness.accept();
    recorder.finished = (conn) => conn.destroy();
    recorder.conn.end();
    await nextMicrotask();
    expect(recorder.log.slice(3)).toEqual(['open', 'finish', 'close clean']);
  });

  test('P31 that throws costs its connection', async () => {
    harness.accept();
    recorder.finished = () => {
      throw new Error('thrown by onFinish');
    };
    recorder.conn.end();
    await nextMicrotask();
    expect(recorder.log).toEqual(['open', 'finish', 'close error: thrown by onFinish']);
    expect(harness.errors.splice(0).map(({ message }) => message)).toEqual(['thrown by onFinish']);
  });
});
