/** Reads that take several turns' worth at once: who may, and what others have of it. Counted in bytes: no kernel, no clock. */
import { Ready, Status } from '@sluice/core-native';
import { beforeEach, describe, expect, test } from 'vitest';
import { type Connection, DEFAULT_LIMITS, type Limits } from '../src/index.ts';
import { type FakeTransport, Harness } from '../src/testing/index.ts';

const BUDGET_BYTES = DEFAULT_LIMITS.readBudgetBytes;
const AHEAD_BYTES = 4 * BUDGET_BYTES;
const FLOODS = 8;

/** Bytes that each connection was delivered in the turn under way, by its id. */
let served: Map<number, number>;
let harness: Harness;
let conns: Connection[];

async function begin(limits: Partial<Limits> = {}): Promise<void> {
  harness = new Harness({ limits: { highWaterMarkBytes: 3 * BUDGET_BYTES, ...limits }, poisonReads: false });
  served = new Map();
  conns = [];
  await harness.listen({
    onOpen: (conn: Connection) => void conns.push(conn),
    onData: (conn: Connection, chunk) => {
      served.set(conn.id, (served.get(conn.id) ?? 0) + chunk.length);
    },
  });
}

beforeEach(() => begin());

/** A peer whose backlog has no end; notes what each read had room for. */
const endless = (rooms: number[]) => (transport: FakeTransport) => {
  transport.read = (buffer) => {
    rooms.push(buffer.length);
    return buffer.length;
  };
};

/** What one turn delivers, by connection. */
function turn(): Map<number, number> {
  served = new Map();
  harness.poller.turn();
  return served;
}

const sum = (bytes: Iterable<number>) => [...bytes].reduce((total, each) => total + each, 0);

describe('a connection with a backlog', () => {
  test('reads a budget first, and four at once when that was filled', () => {
    const rooms: number[] = [];
    harness.accept(endless(rooms));
    expect(rooms).toEqual([BUDGET_BYTES]);
    turn();
    expect(rooms).toEqual([BUDGET_BYTES, AHEAD_BYTES]);
  });

  test('P8 does not wait long where nobody else is served: one turn, not three', () => {
    harness.accept(endless([]));
    turn();
    const sizes = Array.from({ length: 6 }, () => sum(turn().values()));
    expect(sizes).toEqual([0, AHEAD_BYTES, 0, AHEAD_BYTES, 0, AHEAD_BYTES]);
  });

  test('reads no more than a budget again once a read was not filled', () => {
    const rooms: number[] = [];
    const { fd, transport } = harness.accept(endless(rooms));
    transport.read = (buffer) => {
      rooms.push(buffer.length);
      transport.drained = true;
      return 100;
    };
    turn();
    harness.poller.fire([fd, Ready.readable]);
    expect(rooms).toEqual([BUDGET_BYTES, AHEAD_BYTES, BUDGET_BYTES]);
  });

  test('P56 and cannot keep up, so that it pauses, reads no more than a budget at once', () => {
    const rooms: number[] = [];
    harness.accept(endless(rooms));
    conns[0]?.pause();
    conns[0]?.resume();
    turn();
    expect(rooms).toEqual([BUDGET_BYTES, BUDGET_BYTES]);
  });

  test('owes what it has read, not what it had room for: two budgets are one turn to sit out', () => {
    const { transport } = harness.offer(endless([]));
    // One that is served in every turn, and never filled: nothing is forgiven.
    const { transport: other } = harness.offer((script) => {
      script.read = () => BUDGET_BYTES - 1;
    });
    harness.poller.fire([harness.listenerFd, Ready.readable]);
    transport.read = (buffer) => Math.min(buffer.length, 2 * BUDGET_BYTES);
    const sizes = Array.from({ length: 3 }, () => turn().get(1) ?? 0);
    expect(sizes).toEqual([2 * BUDGET_BYTES, 0, BUDGET_BYTES]);
    expect(other.closed).toBe(false);
  });
});

describe('what is read ahead never brings a queue further over the high-water mark than one read does', () => {
  test.each([
    [1, 2],
    [2, 3],
    [3, 4],
    [8, 4],
  ])('a mark of %i budgets: %i in one read', async (mark, budgets) => {
    await begin({ highWaterMarkBytes: mark * BUDGET_BYTES });
    const rooms: number[] = [];
    harness.accept(endless(rooms));
    turn();
    expect(rooms).toEqual([BUDGET_BYTES, budgets * BUDGET_BYTES]);
  });

  test('less when something is queued, and a budget when much is', async () => {
    await begin({ highWaterMarkBytes: 3 * BUDGET_BYTES });
    const rooms: number[] = [];
    const { transport } = harness.accept(endless(rooms));
    transport.writes.push(Status.wantsWrite);
    conns[0]?.write(Buffer.alloc(BUDGET_BYTES));
    turn();
    conns[0]?.write(Buffer.alloc(BUDGET_BYTES + 1));
    for (let turns = 0; turns < 4; turns += 1) turn();
    expect(rooms.slice(0, 3)).toEqual([BUDGET_BYTES, 3 * BUDGET_BYTES, BUDGET_BYTES]);
  });
});

describe('a budget that somebody has chosen', () => {
  test('of less than a read is kept to: nothing is read ahead', async () => {
    await begin({ readBudgetBytes: 4096 });
    const rooms: number[] = [];
    harness.accept(endless(rooms));
    for (let turns = 0; turns < 3; turns += 1) turn();
    expect(rooms).toEqual([BUDGET_BYTES, BUDGET_BYTES, BUDGET_BYTES, BUDGET_BYTES]);
  });

  test('of more than the read buffer is used up in every turn', async () => {
    await begin({ readBudgetBytes: 2 * AHEAD_BYTES });
    harness.accept(endless([]));
    for (let turns = 0; turns < 3; turns += 1) expect(sum(turn().values())).toBe(2 * AHEAD_BYTES);
  });
});

describe('P7 eight peers that send without pause', () => {
  beforeEach(() => {
    for (let made = 0; made < FLOODS; made += 1) harness.offer(endless([]));
    harness.poller.fire([harness.listenerFd, Ready.readable]);
  });

  test('get a budget for each turn, and at any time no more than three in advance', () => {
    const received = new Map<number, number>();
    for (let turns = 1; turns <= 100; turns += 1) {
      for (const [id, bytes] of turn()) received.set(id, (received.get(id) ?? 0) + bytes);
      for (const bytes of received.values()) expect(bytes).toBeLessThanOrEqual((turns + 3) * BUDGET_BYTES);
    }
    for (const bytes of received.values()) expect(bytes).toBeGreaterThanOrEqual(97 * BUDGET_BYTES);
  });

  test('are read from with large reads nearly all the time, two of them in a turn', () => {
    // They begin all at once: that some are ahead of others takes a few turns.
    for (let turns = 0; turns < 8; turns += 1) turn();
    for (let turns = 0; turns < 20; turns += 1)
      expect([...turn().values()]).toEqual([AHEAD_BYTES, AHEAD_BYTES]);
  });

  test('never make a turn longer than a budget of each and two advances', () => {
    const most = FLOODS * BUDGET_BYTES + 2 * (AHEAD_BYTES - BUDGET_BYTES);
    for (let turns = 0; turns < 50; turns += 1) expect(sum(turn().values())).toBeLessThanOrEqual(most);
  });

  test('one of them that has sat out and has an edge too is not served before its time', () => {
    for (let turns = 0; turns < 8; turns += 1) turn();
    const [ahead] = [...turn().keys()];
    served = new Map();
    harness.poller.fire([ahead as number, Ready.readable]);
    expect(served.has(ahead as number)).toBe(false);
  });
});
