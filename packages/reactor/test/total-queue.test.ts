import { Ready } from '@sluice/core-native';
import { beforeEach, describe, expect, test } from 'vitest';
import { Harness } from '../src/testing/index.ts';
import { Recorder } from './recorder.ts';

let harness: Harness;
let recorder: Recorder;

beforeEach(async () => {
  harness = new Harness({ limits: { maxTotalQueuedBytes: 1_000 } });
  recorder = new Recorder();
  await harness.listen(recorder);
});

/** A connection whose writes block, and its descriptor. */
function blocked(): number {
  return harness.accept((script) => {
    for (let i = 0; i < 10; i += 1) script.writes.push({ status: 'wantsWrite' });
  }).fd;
}

const queued = () => {
  const { queuedBytes, copiedBytes } = harness.reactor.stats();
  return { queuedBytes, copiedBytes };
};

describe('P57 what all connections have queued together', () => {
  test('has a cap: the write that reaches it closes its connection with reason limit, and no other', async () => {
    blocked();
    blocked();
    const [first, second] = recorder.connections;
    first?.write(Buffer.alloc(600));
    await Promise.resolve();
    second?.write(Buffer.alloc(400));
    expect(recorder.log).toEqual(['open', 'open']);
    second?.write('x');
    expect(recorder.log.slice(2)).toEqual([
      'close limit: 1001 bytes are queued in all connections of this reactor and the cap is 1000. Stop writing when write() answers false and go on in onDrain, or raise maxTotalQueuedBytes.',
    ]);
    expect(queued()).toEqual({ queuedBytes: 600, copiedBytes: 600 });
    expect(harness.reactor.stats()).toMatchObject({
      limited: { 'total-queue': 1, queue: 0 },
      closedBy: { limit: 1 },
    });
  });

  test('does not count what writeShared keeps by reference: one copy for any number of readers', async () => {
    const shared = Buffer.alloc(100_000);
    for (let i = 0; i < 5; i += 1) blocked();
    for (const conn of recorder.connections) conn.writeShared(shared);
    await Promise.resolve();
    expect(queued()).toEqual({ queuedBytes: 500_000, copiedBytes: 0 });
    for (const conn of recorder.connections) conn.destroy();
    expect(queued()).toEqual({ queuedBytes: 0, copiedBytes: 0 });
  });

  test('goes down with what leaves, and counts large strings as the copies they are', async () => {
    harness = new Harness();
    await harness.listen(recorder);
    const { fd, transport } = harness.accept((script) => script.writes.push({ status: 'wantsWrite' }));
    recorder.conn.write('y'.repeat(50_000));
    await Promise.resolve();
    expect(queued()).toEqual({ queuedBytes: 50_000, copiedBytes: 50_000 });
    transport.writes.push(20_000, { status: 'wantsWrite' });
    harness.poller.fire([fd, Ready.writable]);
    expect(queued()).toEqual({ queuedBytes: 30_000, copiedBytes: 30_000 });
    harness.poller.fire([fd, Ready.writable]);
    expect(queued()).toEqual({ queuedBytes: 0, copiedBytes: 0 });
  });
});
