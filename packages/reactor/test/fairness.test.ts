/** How much of others' work may be ahead of a connection, counted in bytes: no kernel, no clock. */
import { Ready } from '@sluice/core-native';
import { beforeEach, describe, expect, test } from 'vitest';
import type { Connection } from '../src/index.ts';
import { type FakeTransport, Harness } from '../src/testing/index.ts';

const FLOODS = 8;
const BUDGET_BYTES = 4096;
const READ_BYTES = 1024;

/** What was served, in order: how many bytes of which connection. */
interface Served {
  readonly id: number;
  readonly bytes: number;
}

let harness: Harness;
let served: Served[];
let floods: { readonly fd: number; readonly transport: FakeTransport }[];
let ping: { readonly fd: number; readonly transport: FakeTransport };

beforeEach(async () => {
  harness = new Harness({ limits: { readBudgetBytes: BUDGET_BYTES } });
  served = [];
  await harness.listen({
    onOpen: () => {},
    onData(conn: Connection, chunk) {
      served.push({ id: conn.id, bytes: chunk.length });
      conn.write(chunk);
    },
  });
  floods = Array.from({ length: FLOODS }, () => harness.offer(endless));
  ping = harness.offer();
  harness.poller.fire([harness.listenerFd, Ready.readable]);
});

/** A peer that always has something to read. */
function endless(transport: FakeTransport): void {
  transport.read = () => READ_BYTES;
}

const PING = FLOODS + 1;
const floodEdges = () => floods.map(({ fd }) => [fd, Ready.readable] as const);
const pingEdge = () => {
  ping.transport.reads.push('.');
  return [ping.fd, Ready.readable] as const;
};
/** Bytes of each flood that were served before the ping was, from `start` on. */
const aheadOfPing = (start: number) => {
  const end = served.findIndex(({ id }, at) => at >= start && id === PING);
  expect(end).toBeGreaterThanOrEqual(start);
  return bytesByFlood(served.slice(start, end));
};
const bytesByFlood = (some: readonly Served[]) =>
  floods.map((_flood, index) =>
    some.filter(({ id }) => id === index + 1).reduce((sum, { bytes }) => sum + bytes, 0),
  );

describe('P7 eight peers that send without pause, and a ninth that sends one byte', () => {
  test('every flood is on the ready list: the ninth, whose edge comes, is served before all of them', () => {
    const start = served.length;
    harness.poller.fire(pingEdge());
    expect(aheadOfPing(start)).toEqual(floods.map(() => 0));
    expect(ping.transport.written.toString()).toBe('.');
  });

  test('its edge is the last of the batch: at most one budget of each of the eight is ahead of it', () => {
    const start = served.length;
    harness.poller.fire(...floodEdges(), pingEdge());
    for (const bytes of aheadOfPing(start)) expect(bytes).toBeLessThanOrEqual(BUDGET_BYTES);
  });

  test('it never waits longer, however many turns the flood has had', () => {
    for (let turn = 0; turn < 20; turn += 1) {
      if (turn % 2 === 0) harness.poller.turn();
      else harness.poller.fire(...floodEdges());
      const start = served.length;
      harness.poller.fire(...floodEdges(), pingEdge());
      for (const bytes of aheadOfPing(start)) expect(bytes).toBeLessThanOrEqual(BUDGET_BYTES);
    }
  });

  test('all eight get the same', () => {
    for (let turn = 0; turn < 10; turn += 1) harness.poller.turn();
    expect(new Set(bytesByFlood(served)).size).toBe(1);
  });

  test('one that is listed and has an edge too gets one budget in that turn, not two', () => {
    const start = served.length;
    harness.poller.fire(...floodEdges());
    for (const bytes of bytesByFlood(served.slice(start))) expect(bytes).toBeLessThanOrEqual(BUDGET_BYTES);
  });
});

describe('P43 eight downloads that their peers take as fast as they come, and a ninth peer that sends one byte', () => {
  const FILE_BUDGET_BYTES = 8 * 1024;
  const PIECE_BYTES = 3 * 1024;
  let downloads: { readonly fd: number; readonly transport: FakeTransport }[];

  beforeEach(async () => {
    harness = new Harness({ limits: { fileBudgetBytes: FILE_BUDGET_BYTES } });
    served = [];
    harness.disk.add('file', Buffer.alloc(4 * 1024 * 1024));
    await harness.listen({
      onOpen: () => {},
      onData(conn: Connection, chunk) {
        if (conn.id === PING) served.push({ id: PING, bytes: chunk.length });
        else void conn.sendFile('file');
      },
    });
    downloads = Array.from({ length: FLOODS }, (_none, index) => harness.offer(greedy(index + 1)));
    ping = harness.offer();
    harness.poller.fire([harness.listenerFd, Ready.readable]);
    while (harness.disk.answer());
    harness.poller.turn();
    while (harness.disk.answer());
  });

  /** A peer that asks for the file, and takes a piece of it at each call. */
  const greedy = (id: number) => (transport: FakeTransport) => {
    transport.reads.push('go');
    transport.sendFile = (_file, _offset, length) => {
      const bytes = Math.min(length, PIECE_BYTES);
      served.push({ id, bytes });
      return bytes;
    };
  };

  test('at most one budget of each of the eight is sent in a turn, and the ping is served in it', () => {
    for (let turn = 0; turn < 20; turn += 1) {
      const start = served.length;
      harness.poller.fire(...downloads.map(({ fd }) => [fd, Ready.writable] as const), pingEdge());
      const sent = bytesByFlood(served.slice(start));
      for (const bytes of sent) expect(bytes).toBe(FILE_BUDGET_BYTES);
      expect(served.slice(start).filter(({ id }) => id === PING)).toEqual([{ id: PING, bytes: 1 }]);
    }
  });

  test('all eight get the same', () => {
    for (let turn = 0; turn < 10; turn += 1) harness.poller.turn();
    expect(new Set(bytesByFlood(served)).size).toBe(1);
  });
});
