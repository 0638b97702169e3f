/**
 * `testPoller`: every promise of the poller contract, over any implementation.
 *
 * Rule: a poller is judged by what it calls, never by how. The driver makes descriptors ready; nothing here waits for the
 * clock.
 */
import assert from 'node:assert/strict';
import { EVENT_FIELDS } from '@sluice/core-native';
import { Interest, Ready } from '../../poller.ts';
import type { PollerDriver } from './poller-driver.ts';
import { type PollerEvent, PollerWatch } from './poller-watch.ts';
import { type TestFunction, using } from './suite.ts';

/** What `testPoller` needs of whoever tests a poller. */
export interface PollerSuite {
  readonly test: TestFunction;
  /** Makes the poller to be tested, and what the suite needs beside it; a new one for each test. */
  readonly create: () => PollerDriver;
}

const BOTH = Interest.readable | Interest.writable;

/** Registers the tests of a poller. */
export function testPoller({ test, create }: PollerSuite): void {
  const over = (name: string, body: (watch: PollerWatch) => Promise<void>) =>
    test(name, () => using(() => new PollerWatch(create()), body));
  testReadable(over);
  testWritable(over);
  testRegistration(over);
  testWake(over);
}

type Over = (name: string, body: (watch: PollerWatch) => Promise<void>) => unknown;

function testReadable(over: Over): void {
  over('an edge is reported once', async (watch) => {
    const end = watch.add(1);
    await watch.forget();
    end.peerSends();
    await watch.untilReady(1, Ready.readable, 'a byte that came');
    await watch.forget();
    await watch.quiet();
    assert.deepEqual(watch.events, [], 'nothing has changed and something was reported');
  });

  over('each further arrival is an edge of its own, whether the last was read or not', async (watch) => {
    const end = watch.add(1);
    for (const reads of [true, false, true]) {
      await watch.forget();
      end.peerSends();
      await watch.untilReady(1, Ready.readable, 'a further byte');
      if (reads) end.drain();
    }
  });

  over('P2 the end of the peer is an edge, with data unread or not', async (watch) => {
    const unread = watch.add(1);
    const read = watch.add(2);
    unread.peerSends();
    await watch.forget();
    unread.peerEnds();
    read.peerEnds();
    await watch.untilReady(1, Ready.readable | Ready.readClosed, 'the end behind unread data');
    await watch.untilReady(2, Ready.readable | Ready.readClosed, 'the end');
  });

  over('what is ready for reading when it is added is an edge', async (watch) => {
    const end = watch.driver.open();
    end.peerSends();
    await watch.quiet();
    watch.poller.add(end.fd, 3, 0, Interest.readable);
    await watch.untilReady(3, Ready.readable, 'what was there before');
  });

  over('P14 of more ready descriptors than one batch holds none is lost', async (watch) => {
    const many = watch.poller.events.length / EVENT_FIELDS + 7;
    const ends = Array.from({ length: many }, (_, slot) => watch.add(slot));
    await watch.forget();
    for (const end of ends) end.peerSends();
    const reported = () => new Set(watch.events.map(({ slot }) => slot)).size;
    await watch.until(() => reported() === many, `one of ${many} descriptors`);
    await watch.quiet();
    assert.equal(watch.events.length, many, 'a descriptor was reported twice');
  });
}

function testWritable(over: Over): void {
  over('room for writing is reported only to who asks for it', async (watch) => {
    watch.add(1, Interest.readable);
    watch.add(2, BOTH);
    await watch.untilReady(2, Ready.writable, 'the room');
    await watch.quiet();
    assert.equal(watch.readyOf(1) & Ready.writable, 0, 'it was reported to somebody else');
  });

  over('P12 a change of the interest reports what is ready at that moment', async (watch) => {
    const end = watch.add(1);
    end.fill();
    end.peerReads();
    await watch.forget();
    watch.poller.modify(end.fd, 1, 0, BOTH);
    await watch.untilReady(1, Ready.writable, 'the room that was there');
    await watch.forget();
    end.peerSends();
    await watch.untilReady(1, Ready.readable, 'a byte');
    await watch.forget();
    watch.poller.modify(end.fd, 1, 0, Interest.readable);
    await watch.untilReady(1, Ready.readable, 'the byte that nobody has read');
  });

  over('room that comes back after a write would have blocked is an edge', async (watch) => {
    const end = watch.add(1, BOTH);
    end.fill();
    await watch.forget();
    end.peerReads();
    await watch.untilReady(1, Ready.writable, 'the new room');
  });

  over('who is armed no longer hears no more of room', async (watch) => {
    const end = watch.add(1, BOTH);
    end.fill();
    await watch.quiet();
    watch.poller.modify(end.fd, 1, 0, Interest.readable);
    await watch.forget();
    end.peerReads();
    await watch.quiet();
    assert.equal(watch.readyOf(1) & Ready.writable, 0);
  });

  over('P11 both edges are reported, in one event or in two', async (watch) => {
    const end = watch.add(1, BOTH);
    end.fill();
    await watch.forget();
    end.peerReads();
    end.peerSends();
    await watch.untilReady(1, Ready.readable | Ready.writable, 'one of two edges');
  });
}

function testRegistration(over: Over): void {
  over('slot and generation come back as they were given, up to the greatest', async (watch) => {
    const greatest = 2 ** 31 - 1;
    const given = [
      [0, greatest],
      [greatest, 0],
      [5, 6],
    ] as const;
    for (const [slot, generation] of given) watch.add(slot, Interest.readable, generation).peerSends();
    for (const [slot, generation] of given) {
      const isIt = (event: PollerEvent) => event.slot === slot && event.generation === generation;
      await watch.until(() => watch.events.some(isIt), `slot ${slot} in generation ${generation}`);
    }
  });

  over('a change of the interest may change the generation', async (watch) => {
    const end = watch.add(1, Interest.readable, 1);
    await watch.forget();
    watch.poller.modify(end.fd, 1, 2, Interest.readable);
    end.peerSends();
    await watch.untilReady(1, Ready.readable, 'a byte');
    assert.deepEqual([...new Set(watch.events.map(({ generation }) => generation))], [2]);
  });

  over('who was removed is not reported any more', async (watch) => {
    const end = watch.add(1);
    await watch.forget();
    watch.poller.remove(end.fd);
    end.peerSends();
    await watch.quiet();
    assert.deepEqual(watch.events, []);
  });

  over('P6 what was due is forgotten with the descriptor, and its number may come back', async (watch) => {
    const first = watch.add(1, Interest.readable, 7);
    await watch.forget();
    first.peerSends();
    watch.poller.remove(first.fd);
    first.close();
    const second = watch.add(1, Interest.readable, 8);
    await watch.quiet();
    second.peerSends();
    await watch.untilReady(1, Ready.readable, 'a byte');
    assert.deepEqual([...new Set(watch.events.map(({ generation }) => generation))], [8]);
  });

  over('one descriptor may be removed and added while its event is dispatched', async (watch) => {
    const end = watch.add(1);
    await watch.forget();
    watch.inside = () => {
      watch.inside = () => {};
      watch.poller.remove(end.fd);
      watch.poller.add(end.fd, 2, 0, Interest.readable);
    };
    end.peerSends();
    await watch.untilReady(2, Ready.readable, 'the unread byte under its new slot');
  });
}

function testWake(over: Over): void {
  over('P8 a wake gives one turn without events, later and not from inside the call', async (watch) => {
    await watch.forget();
    watch.poller.wake();
    watch.poller.wake();
    assert.deepEqual(watch.calls, [], 'it was called at once');
    await watch.until(() => watch.calls.length > 0, 'a wake');
    await watch.quiet();
    assert.deepEqual(watch.calls, [0]);
  });

  over('a wake from inside a turn gives another', async (watch) => {
    await watch.forget();
    watch.inside = () => {
      if (watch.calls.length < 3) watch.poller.wake();
    };
    watch.poller.wake();
    await watch.until(() => watch.calls.length === 3, 'a wake');
    await watch.quiet();
    assert.deepEqual(watch.calls, [0, 0, 0]);
  });

  over('a wake loses no event, and an event no wake', async (watch) => {
    const end = watch.add(1);
    await watch.forget();
    end.peerSends();
    watch.poller.wake();
    await watch.untilReady(1, Ready.readable, 'the byte');
    await watch.until(() => watch.calls.length > 0, 'the wake');
  });

  over('nothing is due, nothing is called', async (watch) => {
    watch.add(1);
    await watch.forget();
    await watch.quiet();
    assert.deepEqual(watch.calls, []);
  });

  over('after a close nothing is called any more, and a wake is harmless', async (watch) => {
    const end = watch.add(1);
    await watch.forget();
    end.peerSends();
    watch.poller.wake();
    watch.poller.close();
    watch.poller.wake();
    await watch.quiet();
    assert.deepEqual(watch.calls, []);
  });
}
