import { channel } from 'node:diagnostics_channel';
import { Ready, Status } from '@sluice/core-native';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Connection, type DiagnosticMessages, LimitError } from '../src/index.ts';
import { Harness } from '../src/testing/index.ts';
import { Recorder } from './recorder.ts';

let harness: Harness;
let recorder: Recorder;

beforeEach(async () => {
  harness = new Harness({ limits: { readBudgetBytes: 4, idleTimeoutMs: 1_000 } });
  recorder = new Recorder();
  await harness.listen(recorder);
});

describe('stats', () => {
  test('count connections by what they are doing, and how they closed', () => {
    harness.accept((script) => script.handshakes.push(Status.wantsRead));
    harness.accept();
    recorder.conn.close();
    harness.accept();
    recorder.conn.destroy(new Error('over'));
    harness.accept();
    expect(harness.reactor.stats()).toMatchObject({
      accepted: 4,
      opened: 3,
      closed: 1,
      closedBy: { clean: 0, truncated: 0, reset: 0, timeout: 0, limit: 0, error: 1 },
      connections: 3,
      states: { connecting: 0, handshaking: 1, early: 0, open: 1, closing: 1 },
      listeners: 1,
    });
  });

  test('count bytes both ways, turns, events, turns of the ready list and what waits on it', async () => {
    const { fd } = harness.accept((script) => script.reads.push('12345', '678'));
    expect(harness.reactor.stats()).toMatchObject({ readyListLength: 1, bytesReceived: 5, readyTurns: 0 });
    harness.poller.settle();
    recorder.conn.write('four');
    await Promise.resolve();
    harness.poller.fire([fd, Ready.readable], [harness.listenerFd, Ready.readable]);
    expect(harness.reactor.stats()).toMatchObject({
      bytesReceived: 8,
      bytesSent: 4,
      turns: 3,
      events: 3,
      readyTurns: 1,
      readyListLength: 0,
      staleEvents: 0,
    });
  });

  test('count deadlines by name, and tell by how much the loop is late', () => {
    harness.accept();
    harness.clock.advance(1_100);
    expect(harness.reactor.stats().deadlines).toMatchObject({ idle: 1, 'first-byte': 0 });
    expect(harness.reactor.stats()).toMatchObject({ loopLagMs: 0, maxLoopLagMs: 0 });
    harness.accept();
    // The process is busy for longer than the deadline that is set.
    harness.clock.stall(1_070);
    harness.clock.advance(0);
    expect(harness.reactor.stats()).toMatchObject({ loopLagMs: 70, maxLoopLagMs: 70 });
    harness.accept();
    harness.clock.advance(1_100);
    expect(harness.reactor.stats()).toMatchObject({ loopLagMs: 0, maxLoopLagMs: 70 });
  });

  test('are a snapshot', () => {
    const before = harness.reactor.stats();
    harness.accept();
    recorder.conn.destroy();
    expect(before).toMatchObject({ accepted: 0, closedBy: { clean: 0 } });
  });
});

describe('diagnostics channels', () => {
  const seen: [name: string, message: unknown][] = [];
  const stop: (() => void)[] = [];

  function watch(...names: (keyof DiagnosticMessages)[]): void {
    for (const name of names) {
      const listener = (message: unknown) => seen.push([name, message]);
      channel(name).subscribe(listener);
      stop.push(() => channel(name).unsubscribe(listener));
    }
  }

  afterEach(() => {
    for (const undo of stop.splice(0)) undo();
    seen.length = 0;
  });

  test('tell the life of a connection, before the protocol is told', () => {
    watch('sluice.connection.open', 'sluice.connection.close', 'sluice.connection.fail');
    const atOpen: number[] = [];
    recorder.opened = () => atOpen.push(seen.length);
    harness.accept();
    const { conn } = recorder;
    conn.destroy();
    const failed = harness.accept((script) => script.handshakes.push(Status.failed));
    expect(atOpen).toEqual([1]);
    expect(seen).toEqual([
      ['sluice.connection.open', { connection: conn }],
      ['sluice.connection.close', { connection: conn, reason: 'clean', cause: undefined }],
      [
        'sluice.connection.fail',
        expect.objectContaining({ reason: 'reset', cause: failed.transport.failureAnswer.error }),
      ],
    ]);
  });

  test('tell of listeners, deadlines and caps', async () => {
    watch('sluice.listen', 'sluice.deadline', 'sluice.limit');
    harness = new Harness({ limits: { maxQueuedBytes: 10, maxConnectionsPerAddress: 1 } });
    const server = await harness.listen(recorder);
    harness.accept((script) => script.writes.push({ status: 'wantsWrite' }));
    const conn: Connection = recorder.conn;
    harness.accept();
    conn.setTimeouts({ idleTimeoutMs: 100 });
    Object.assign(recorder, { onTimeout: () => true });
    harness.clock.advance(150);
    conn.write(Buffer.alloc(11));
    expect(seen).toEqual([
      ['sluice.listen', { server }],
      ['sluice.limit', { limit: 'address', connection: undefined, address: '127.0.0.1' }],
      ['sluice.deadline', { connection: conn, which: 'idle' }],
      [
        'sluice.limit',
        { limit: 'queue', error: expect.any(LimitError), connection: conn, address: undefined },
      ],
    ]);
  });

  test('are silent when nobody listens', () => {
    harness.accept();
    recorder.conn.destroy();
    expect(seen).toEqual([]);
  });
});
