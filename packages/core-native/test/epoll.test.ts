import { describe, expect, it } from 'vitest';
import { EVENT_FIELDS, Interest, Ready, Status } from '../src/index.ts';
import {
  connectedPair,
  fillSendBuffer,
  listenOnLoopback,
  receive,
  sendAll,
  until,
} from './support/loopback.ts';
import { collectGarbage, leavesNothingBehind, native } from './support/native.ts';

leavesNothingBehind();

const LIMIT_MS = 10_000;

function makeEpoll(capacity = 16) {
  const events = new Int32Array(capacity * EVENT_FIELDS);
  const epoll = new native.Epoll(events);
  const event = (index: number) =>
    Array.from(events.subarray(index * EVENT_FIELDS, (index + 1) * EVENT_FIELDS));
  return { epoll, events, event };
}

describe('edges', () => {
  it('come once for data that stays unread, and again for more', () => {
    const pair = connectedPair();
    const { epoll, event } = makeEpoll();
    epoll.add(pair.server, 5, 9, Interest.readable);
    expect(epoll.wait(0)).toBe(0);
    sendAll(pair.client, Buffer.from('a'));
    expect(epoll.wait(LIMIT_MS)).toBe(1);
    expect(event(0)).toEqual([5, 9, Ready.readable]);
    expect(epoll.wait(0)).toBe(0);
    sendAll(pair.client, Buffer.from('b'));
    expect(epoll.wait(LIMIT_MS)).toBe(1);
    epoll.close();
    pair.close();
  });

  it('report a descriptor that is ready when it is added', () => {
    const pair = connectedPair();
    const { epoll, event } = makeEpoll();
    epoll.add(pair.client, 0, 0, Interest.writable);
    expect(epoll.wait(LIMIT_MS)).toBe(1);
    expect(event(0)[2]).toBe(Ready.writable);
    epoll.close();
    pair.close();
  });

  it('P12 modify reports an edge that is present at that moment', () => {
    const pair = connectedPair();
    const { epoll, event } = makeEpoll();
    const filled = fillSendBuffer(pair.client);
    epoll.add(pair.client, 1, 1, Interest.readable);
    // The peer makes room between the blocked write and the arming: the very window that would be missed.
    receive(pair.server, filled);
    until(pair.client, () => native.send(pair.client, Buffer.from('x'), 0, 1));
    epoll.modify(pair.client, 1, 1, Interest.readable | Interest.writable);
    expect(epoll.wait(LIMIT_MS)).toBe(1);
    expect(event(0)).toEqual([1, 1, Ready.writable]);
    expect(epoll.wait(0)).toBe(0);
    epoll.modify(pair.client, 1, 1, Interest.readable | Interest.writable);
    expect(epoll.wait(0)).toBe(1);
    epoll.close();
    pair.close();
  });

  it('P11 carry both directions in one event', () => {
    const pair = connectedPair();
    const { epoll, event } = makeEpoll();
    sendAll(pair.client, Buffer.from('a'));
    until(pair.server, () => native.recv(pair.server, Buffer.alloc(1), 0, 1));
    sendAll(pair.client, Buffer.from('a'));
    native.shutdownWrite(pair.client);
    epoll.add(pair.server, 0, 0, Interest.readable | Interest.writable);
    expect(epoll.wait(LIMIT_MS)).toBe(1);
    const ready = event(0)[2]!;
    expect(ready & (Ready.readable | Ready.writable)).toBe(Ready.readable | Ready.writable);
    epoll.close();
    pair.close();
  });

  it('P5 tell of a half-closed and of a fully closed peer whatever the interest', () => {
    const pair = connectedPair();
    const { epoll, event } = makeEpoll();
    epoll.add(pair.server, 0, 0, 0);
    native.shutdownWrite(pair.client);
    expect(epoll.wait(LIMIT_MS)).toBe(1);
    expect(event(0)[2]).toBe(Ready.readClosed);
    native.shutdownWrite(pair.server);
    expect(epoll.wait(LIMIT_MS)).toBe(1);
    expect(event(0)[2]! & Ready.hangup).toBe(Ready.hangup);
    epoll.close();
    pair.close();
  });

  it('tell of a reset as an error', () => {
    const pair = connectedPair();
    const { epoll, event } = makeEpoll();
    epoll.add(pair.server, 0, 0, Interest.readable);
    native.setOption(pair.client, 'lingerSeconds', 0);
    native.close(pair.client);
    expect(epoll.wait(LIMIT_MS)).toBe(1);
    expect(event(0)[2]! & (Ready.error | Ready.readable)).toBe(Ready.error | Ready.readable);
    expect(native.recv(pair.server, Buffer.alloc(1), 0, 1)).toBe(Status.failed);
    epoll.close();
    native.close(pair.server);
  });
});

describe('the table', () => {
  it('P14 bounds a batch, and the rest comes with the next', () => {
    const pairs = Array.from({ length: 5 }, connectedPair);
    const { epoll, event } = makeEpoll(2);
    for (const [slot, pair] of pairs.entries()) epoll.add(pair.client, slot, 0, Interest.writable);
    const slots: number[] = [];
    for (const expected of [2, 2, 1, 0]) {
      const count = epoll.wait(0);
      expect(count).toBe(expected);
      for (let index = 0; index < count; index += 1) slots.push(event(index)[0]!);
    }
    expect(slots.sort()).toEqual([0, 1, 2, 3, 4]);
    epoll.close();
    for (const pair of pairs) pair.close();
  });

  it('P6 returns slot and generation as they were given, up to the largest', () => {
    const pair = connectedPair();
    const { epoll, event } = makeEpoll();
    const largest = 2 ** 31 - 1;
    epoll.add(pair.client, largest, largest, Interest.writable);
    expect(epoll.wait(0)).toBe(1);
    expect(event(0)).toEqual([largest, largest, Ready.writable]);
    epoll.modify(pair.client, largest, 0, Interest.writable);
    expect(epoll.wait(0)).toBe(1);
    expect(event(0)).toEqual([largest, 0, Ready.writable]);
    epoll.close();
    pair.close();
  });

  it('keeps its memory although nobody else holds the array', async () => {
    const pair = connectedPair();
    const epoll = new native.Epoll(new Int32Array(3));
    epoll.add(pair.client, 0, 0, Interest.writable);
    await collectGarbage();
    expect(epoll.wait(0)).toBe(1);
    epoll.close();
    pair.close();
  });

  it('refuses to wait when its memory was transferred away', () => {
    const { epoll, events } = makeEpoll();
    structuredClone(events.buffer, { transfer: [events.buffer] });
    expect(() => epoll.wait(0)).toThrow('The event table is gone');
    epoll.close();
  });
});

describe('registration', () => {
  it('throws the failed call with the name of its errno', () => {
    const pair = connectedPair();
    const { epoll } = makeEpoll();
    epoll.add(pair.client, 0, 0, 1);
    const refusal = (call: () => void) => {
      try {
        call();
      } catch (error) {
        return error;
      }
      throw new Error('did not throw');
    };
    expect(refusal(() => epoll.add(pair.client, 0, 0, 1))).toMatchObject({
      code: 'EEXIST',
      errno: 17,
      call: 'epoll_ctl',
    });
    expect(refusal(() => epoll.modify(pair.server, 0, 0, 1))).toMatchObject({
      code: 'ENOENT',
      call: 'epoll_ctl',
    });
    expect(refusal(() => epoll.add(1_000_000, 0, 0, 1))).toMatchObject({
      code: 'EBADF',
      call: 'epoll_ctl',
    });
    epoll.close();
    pair.close();
  });

  it('takes the removal of what is closed or was never there', () => {
    const pair = connectedPair();
    const { epoll } = makeEpoll();
    epoll.add(pair.client, 0, 0, Interest.writable);
    epoll.remove(pair.client);
    epoll.remove(pair.client);
    epoll.remove(1_000_000);
    expect(epoll.wait(0)).toBe(0);
    epoll.close();
    pair.close();
  });

  it('P9 an edge on a listener comes once for several connections', () => {
    const listener = listenOnLoopback();
    const { epoll, event } = makeEpoll();
    epoll.add(listener.fd, 3, 1, Interest.readable);
    const clients = [0, 1, 2].map(() => native.connect('127.0.0.1', listener.port));
    for (const fd of clients) until(fd, () => native.connectResult(fd));
    expect(epoll.wait(LIMIT_MS)).toBe(1);
    expect(event(0)).toEqual([3, 1, Ready.readable]);
    const accepted = [0, 1, 2].map(() => until(listener.fd, () => native.accept(listener.fd)));
    expect(native.accept(listener.fd)).toBe(Status.wantsRead);
    for (const fd of [...clients, ...accepted, listener.fd]) native.close(fd);
    epoll.close();
  });
});

describe('a closed epoll', () => {
  it('throws from everything but close, which is harmless', () => {
    const { epoll } = makeEpoll();
    epoll.close();
    epoll.close();
    epoll.ref();
    epoll.unref();
    for (const call of [
      () => epoll.wait(0),
      () => epoll.add(0, 0, 0, 0),
      () => epoll.modify(0, 0, 0, 0),
      () => epoll.remove(0),
      () => epoll.watch(() => {}),
    ]) {
      expect(call).toThrow(expect.objectContaining({ code: 'ERR_CLOSED', message: 'This epoll is closed' }));
    }
  });

  it('is closed by the collector when it was forgotten', async () => {
    const before = native.liveObjects().epolls;
    (() => new native.Epoll(new Int32Array(3)))();
    expect(native.liveObjects().epolls).toBe(before + 1);
    await collectGarbage();
    expect(native.liveObjects().epolls).toBe(before);
  });
});
