/** Handshakes beside open connections: whose turn it is, counted in steps. No kernel, no clock. */
import { Ready, Status } from '@sluice/core-native';
import { beforeEach, describe, expect, test } from 'vitest';
import type { Stepper } from '../src/handshake-queue.ts';
import type { Connection } from '../src/index.ts';
import { Listing } from '../src/listing.ts';
import type { Flushable, Loop } from '../src/loop.ts';
import { type FakeTransport, Harness } from '../src/testing/index.ts';

const BUDGET = 2;
const HANDSHAKE_TIMEOUT_MS = 100;

/** Everybody who was served, in order: `step N`, N being how many peers came before, or `data`. */
let served: string[];
let harness: Harness;
let open: { readonly fd: number; readonly transport: FakeTransport };

beforeEach(async () => {
  harness = new Harness({ limits: { handshakeBudget: BUDGET, handshakeTimeoutMs: HANDSHAKE_TIMEOUT_MS } });
  served = [];
  await harness.listen({
    onOpen: () => {},
    onData: (conn: Connection, chunk) => {
      served.push('data');
      conn.write(chunk);
    },
  });
  open = harness.accept();
});

/** A peer whose handshake has `steps` steps, the last but one after its next edge and so on. */
function newcomer(name: number, steps = 1) {
  return harness.offer((transport) => {
    transport.secure = true;
    let left = steps;
    transport.handshake = () => {
      served.push(`step ${name}`);
      left -= 1;
      return left === 0 ? 0 : Status.wantsRead;
    };
  });
}

const newcomers = (count: number, steps = 1) =>
  Array.from({ length: count }, (_none, name) => newcomer(name, steps));
const listenerEdge = () => [harness.listenerFd, Ready.readable] as const;
const dataEdge = () => {
  open.transport.reads.push('.');
  return [open.fd, Ready.readable] as const;
};
/** What was served by `action`. */
function servedBy(action: () => void): string[] {
  const start = served.length;
  action();
  return served.slice(start);
}
describe('P7 an open connection among handshakes', () => {
  test('goes before all steps, though its edge is the last of the batch', () => {
    const peers = newcomers(3, 2);
    harness.poller.fire(listenerEdge());
    harness.poller.turn();
    const edges = peers.map(({ fd }) => [fd, Ready.readable] as const);
    expect(servedBy(() => harness.poller.fire(...edges, dataEdge()))).toEqual(['data', 'step 0', 'step 1']);
  });

  test('goes before newcomers are let in, though its edge comes behind that of the listener', () => {
    newcomers(3);
    let accepted = -1;
    const { read } = open.transport;
    open.transport.read = (buffer) => {
      accepted = harness.reactor.stats().accepted;
      return read.call(open.transport, buffer);
    };
    expect(servedBy(() => harness.poller.fire(listenerEdge(), dataEdge()))[0]).toBe('data');
    expect(accepted).toBe(1);
    expect(harness.reactor.stats().accepted).toBe(4);
  });

  test('has at most one budget of steps ahead of it in each turn, however many wait', () => {
    newcomers(20);
    expect(servedBy(() => harness.poller.fire(listenerEdge()))).toEqual(['step 0', 'step 1']);
    for (let turn = 1; turn < 10; turn += 1) {
      const first = BUDGET * turn;
      expect(servedBy(() => harness.poller.fire(dataEdge()))).toEqual([
        'data',
        `step ${first}`,
        `step ${first + 1}`,
      ]);
    }
    expect(harness.reactor.stats().states.handshaking).toBe(0);
  });
});

describe('handshakes that wait for their turn', () => {
  test('have it in the order in which they came to wait, without an edge of their own', () => {
    const peers = newcomers(3, 2);
    harness.poller.fire(listenerEdge());
    // The first two wait for their peers by now, and the third for its turn.
    const [first, second] = peers;
    harness.poller.fire([second?.fd ?? -1, Ready.readable]);
    harness.poller.fire([first?.fd ?? -1, Ready.readable]);
    harness.poller.fire([peers[2]?.fd ?? -1, Ready.readable]);
    expect(served).toEqual(['step 0', 'step 1', 'step 2', 'step 1', 'step 0', 'step 2']);
  });

  test('have one in every turn, however much the open ones send', () => {
    newcomers(6);
    harness.poller.fire(listenerEdge());
    open.transport.read = () => 1024;
    harness.poller.fire([open.fd, Ready.readable]);
    harness.poller.turn();
    expect(served.filter((each) => each.startsWith('step')).length).toBe(6);
  });

  test('use up no step when they are over by then', () => {
    // No more than one turn sees the deadlines of.
    newcomers(30);
    harness.poller.fire(listenerEdge());
    harness.clock.advance(2 * HANDSHAKE_TIMEOUT_MS);
    expect(harness.refused.length).toBeGreaterThan(10 * BUDGET);
    newcomer(30);
    expect(servedBy(() => harness.poller.fire(listenerEdge()))).toEqual(['step 30']);
  });

  test('do not keep the loop awake when nobody waits any more', () => {
    newcomers(3);
    harness.poller.fire(listenerEdge());
    expect(servedBy(() => harness.poller.settle())).toEqual(['step 2']);
    expect(harness.poller.awake).toBe(false);
  });

  test('are listed once until their turn has come, and not at all once they are over', () => {
    const listed: Stepper[] = [];
    const loop = { enqueueHandshake: (stepper: Stepper) => listed.push(stepper), retire: () => {} };
    const connection = {} as Stepper & Flushable;
    const listing = new Listing(loop as unknown as Loop, connection);
    listing.step();
    listing.step();
    expect(listed).toEqual([connection]);
    listing.takeStep();
    listing.step();
    expect(listed).toEqual([connection, connection]);
    listing.takeStep();
    listing.close();
    listing.step();
    expect(listed.length).toBe(2);
  });
});

describe('P1 what came with the last flight', () => {
  /** A connection that opens in one step, and what it reads, with the trust that the step was given. */
  function opens(drained: boolean, ready: number = Ready.readable) {
    const trusted: (boolean | undefined)[] = [];
    const peer = harness.offer((transport) => {
      transport.secure = true;
      let steps = 0;
      transport.handshake = (trustsShortReads) => {
        trusted.push(trustsShortReads);
        transport.drained = drained;
        steps += 1;
        return steps === 1 ? Status.wantsRead : 0;
      };
    });
    harness.poller.fire(listenerEdge());
    harness.poller.turn();
    harness.poller.fire([peer.fd, ready]);
    harness.poller.turn();
    return { ...peer, trusted };
  }

  test('is read without an edge where the transport does not say that nothing did', () => {
    expect(opens(false).transport.calls).toEqual(['read wantsRead']);
  });

  test('is not looked for where the source ran dry: an edge tells of more', () => {
    const { fd, transport, trusted } = opens(true);
    expect(trusted).toEqual([true, true]);
    expect(transport.calls).toEqual([]);
    transport.reads.push('.');
    expect(servedBy(() => harness.poller.fire([fd, Ready.readable]))).toEqual(['data']);
  });

  test('P2 is looked for all the same after a hint of an end, which a short read does not show', () => {
    const { transport, trusted } = opens(true, Ready.readable | Ready.readClosed);
    expect(trusted).toEqual([true, false]);
    expect(transport.calls[0]).toBe('read wantsRead');
  });
});
