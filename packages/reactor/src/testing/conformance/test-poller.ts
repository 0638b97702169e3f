/**
 * `testPoller`: every promise of the poller contract, over any implementation.
 *
 * Rule: a poller is judged by what it calls, never by how. The driver makes descriptors ready; nothing here waits for the
 * clock.
 */
import assert from 'node:assert/strict';
import { EVENT_FIELDS } from '@sluice/core-native';
import { Interest, type Poller, Ready } from '../../poller.ts';
import { nextTurn, type TestFunction, using } from './suite.ts';

/** One descriptor to be polled, connected to another end that the driver holds. */
export interface PolledEnd {
  readonly fd: number;
  /** The other end sends one byte. */
  peerSends(): void;
  /** The other end ends its side. */
  peerEnds(): void;
  /** Everything that has come is read, until reading would block. */
  drain(): void;
  /** Writes until writing would block. */
  fill(): void;
  /** The other end reads everything, so that there is room again. */
  peerReads(): void;
  /** Closes the descriptor; the poller has forgotten it by then. */
  close(): void;
}

/** What the suite needs of whoever tests a poller. A new one is made for each test. */
export interface PollerDriver {
  readonly poller: Poller;
  /** A connected pair; nothing of it is registered yet. */
  open(): PolledEnd;
  /** Lets the poller have a turn, if one is due. Default: one turn of Node's loop. */
  turn?(): void | Promise<void>;
  /** Closes what is open. The poller may be closed already. */
  dispose(): void;
}

export interface PollerSuite {
  readonly test: TestFunction;
  readonly create: () => PollerDriver;
}

interface Event {
  readonly slot: number;
  readonly generation: number;
  readonly ready: number;
}

/** Turns in which nothing happens, after which nothing is expected any more. */
const QUIET_TURNS = 5;
/** Turns in which something has to happen. */
const MOST_TURNS = 2_000;
const BOTH = Interest.readable | Interest.writable;

/** A started poller, and what it has called. */
class Watch {
  readonly driver: PollerDriver;
  readonly poller: Poller;
  readonly events: Event[] = [];
  /** The counts of all calls. */
  readonly calls: number[] = [];
  /** Runs inside each call. */
  inside: () => void = () => {};

  constructor(driver: PollerDriver) {
    this.driver = driver;
    this.poller = driver.poller;
    this.poller.start((count) => this.called(count));
  }

  dispose(): void {
    this.driver.dispose();
  }

  /** A registered pair. */
  add(slot: number, interest: number = Interest.readable, generation = 0): PolledEnd {
    const end = this.driver.open();
    this.poller.add(end.fd, slot, generation, interest);
    return end;
  }

  /** Turns until `condition` holds. */
  async until(condition: () => boolean, what: string): Promise<void> {
    for (let turns = 0; turns < MOST_TURNS; turns += 1) {
      if (condition()) return;
      await this.turn();
    }
    assert.fail(`${what} was not reported`);
  }

  /** Turns until `slot` was reported with all of `bits` since the last {@link forget}. */
  untilReady(slot: number, bits: number, what: string): Promise<void> {
    return this.until(() => (this.readyOf(slot) & bits) === bits, what);
  }

  /** Turns in which anything that is due comes. */
  async quiet(): Promise<void> {
    for (let turns = 0; turns < QUIET_TURNS; turns += 1) await this.turn();
  }

  /** Everything reported so far is of no more interest. */
  async forget(): Promise<void> {
    await this.quiet();
    this.events.length = 0;
    this.calls.length = 0;
  }

  readyOf(slot: number): number {
    return this.events.reduce((bits, event) => (event.slot === slot ? bits | event.ready : bits), 0);
  }

  private async turn(): Promise<void> {
    if (this.driver.turn === undefined) await nextTurn();
    else await this.driver.turn();
  }

  private called(count: number): void {
    const { events } = this.poller;
    assert.ok(count * EVENT_FIELDS <= events.length, `${count} events are more than the table holds`);
    this.calls.push(count);
    for (let at = 0; at < count * EVENT_FIELDS; at += EVENT_FIELDS) {
      const [slot = -1, generation = -1, ready = 0] = events.subarray(at, at + EVENT_FIELDS);
      this.events.push({ slot, generation, ready });
    }
    this.inside();
  }
}

/** Registers the tests of a poller. */
export function testPoller({ test, create }: PollerSuite): void {
  const over = (name: string, body: (watch: Watch) => Promise<void>) =>
    test(name, () => using(() => new Watch(create()), body));
  testReadable(over);
  testWritable(over);
  testRegistration(over);
  testWake(over);
}

type Over = (name: string, body: (watch: Watch) => Promise<void>) => unknown;

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
      const isIt = (event: Event) => event.slot === slot && event.generation === generation;
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
