/** What connections that are idle cost those that are not: whether anybody looks at them, counted. No kernel, no clock. */
import { Ready } from '@sluice/core-native';
import { expect, test } from 'vitest';
import type { Connection } from '../src/index.ts';
import { Harness } from '../src/testing/index.ts';

const IDLE = 500;
const TURNS = 200;
const FIRST_BYTE_MS = 60_000;

/** Parts of a connection that are its own. */
const PARTS = ['transport', 'registration', 'reading', 'writing', 'listing', 'telling', 'deadlines'];

/** Calls `note` whenever a field of `object` is read or written from now on. */
function watch(object: Record<string, unknown>, note: () => void): void {
  for (const [name, first] of Object.entries(object)) {
    let value = first;
    const get = () => {
      note();
      return value;
    };
    const set = (next: unknown) => {
      note();
      value = next;
    };
    Object.defineProperty(object, name, { get, set });
  }
}

test('a turn, and the timer, look at nobody who is idle', async () => {
  const harness = new Harness({ limits: { firstByteTimeoutMs: FIRST_BYTE_MS } });
  const connections: Connection[] = [];
  await harness.listen({
    onOpen: (conn) => void connections.push(conn),
    onData: (conn, chunk) => void conn.write(chunk),
  });
  for (let count = 0; count < IDLE; count += 1) harness.offer();
  const busy = harness.accept();
  harness.poller.settle();
  expect(connections).toHaveLength(IDLE + 1);
  const busyOne = connections.pop();

  let looks = 0;
  const note = () => {
    looks += 1;
  };
  for (const connection of connections) {
    const fields = connection as unknown as Record<string, Record<string, unknown>>;
    for (const part of PARTS) watch(fields[part]!, note);
    watch(fields, note);
  }

  for (let turn = 0; turn < TURNS; turn += 1) {
    busy.transport.reads.push('.');
    harness.poller.fire([busy.fd, Ready.readable]);
    // The timer of the wheel fires once a second: half of the time until something is due.
    harness.clock.advance(FIRST_BYTE_MS / 2 / TURNS);
  }
  expect(busy.transport.written.toString()).toBe('.'.repeat(TURNS));
  expect(looks).toBe(0);

  // So that it is known that looks are seen: now they are all due, and closed, but for the one that has spoken.
  harness.clock.advance(FIRST_BYTE_MS);
  // A turn sees to some of them.
  harness.poller.settle(IDLE);
  expect(looks).toBeGreaterThanOrEqual(IDLE);
  expect(harness.reactor.stats().connections).toBe(1);
  busyOne?.destroy();
});
