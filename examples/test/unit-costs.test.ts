/**
 * What a unit of work costs a server, counted in the example programs as they stand: system calls, calls into the addon,
 * and what is allocated. No clock is looked at, so the figures are the same on a busy machine.
 *
 * Rule: system calls and calls into the addon are exact, and what is allocated has a bound with a small reserve. Whoever
 * changes a figure upwards says in its commit what for; `npm run bench -- profile` shows where it comes from.
 */
import { utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import {
  answeredHandshake,
  CountedServer,
  file,
  fullHandshake,
  measureUnit,
  message,
  request,
  resumedHandshake,
  type Tally,
  type Unit,
  type UnitCosts,
  type UnitPlan,
} from '@sluice-internal/unit-counts';
import { describe, expect, it } from 'vitest';
import { temporaryFolder } from './support/temporary-folder.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const TYPESCRIPT = ['--import', pathToFileURL(join(ROOT, 'scripts', 'register-typescript.mjs')).href];

/**
 * Without its optimizing compilers V8 makes each object that the code asks for: what is counted then depends on the code, and
 * not on when V8 has compiled which part of it. With them it is less (`docs/profile.md`).
 */
const UNOPTIMIZED = ['--no-opt', '--no-maglev'];

const EXCHANGES: UnitPlan = { warmUp: 300, units: 200, windows: 5 };
const HANDSHAKES: UnitPlan = { warmUp: 300, units: 20, windows: 5 };
const FILES: UnitPlan = { warmUp: 300, units: 20, windows: 5 };

/** What a unit allocates, as it was counted when this was written. */
interface Allocated {
  /** By JavaScript, in bytes: the same for all lines of Node, but for the rounding. */
  readonly heapBytes: number;
  /** From malloc(3), in blocks and bytes. */
  readonly blocks: number;
  readonly bytes: number;
}

/** Beside three other programs on two cores a handshake took up to 2.4 % more, presumably as the clock moves between its steps. */
const HEAP_RESERVE = 1.04;
/** For each turn more than a unit needs: the kernel had no room for all of a file, and it was waited for. */
const BLOCKED_BYTES = 2_500;
/** Less than one more in each unit: V8 has some of its own now and then. */
const BLOCKS_RESERVE = 0.95;
const BYTES_RESERVE = 4_096;

/** The costs of a unit at `examples/NAME.ts`, started with `flags`. */
async function costsOf(
  name: string,
  flags: readonly string[],
  plan: UnitPlan,
  unitOf: (server: CountedServer) => Unit | Promise<Unit>,
): Promise<UnitCosts> {
  const server = await CountedServer.start(
    [...UNOPTIMIZED, ...TYPESCRIPT],
    join(ROOT, 'examples', `${name}.ts`),
    flags,
  );
  try {
    const unit = await unitOf(server);
    const costs = await measureUnit(server, unit, plan);
    unit.close();
    return costs;
  } finally {
    await server.stop();
  }
}

/** Without the waiting of Node's loop: it looks once without waiting and then waits, and timers are waited for too. */
function ownCalls({ calls }: UnitCosts): Tally {
  const { epoll_pwait: _, ...own } = calls;
  return own;
}

function expectAllocated(
  { calls, heapBytes, allocations, allocatedBytes }: UnitCosts,
  expected: Allocated,
  turns: number,
): void {
  const own = expected.heapBytes * HEAP_RESERVE;
  const blocked = Math.max(0, (calls['epoll_wait'] ?? 0) - turns) * BLOCKED_BYTES;
  expect(heapBytes, 'bytes of JavaScript').toBeLessThan(own + blocked);
  expect(allocations, 'blocks of malloc').toBeLessThan(expected.blocks + BLOCKS_RESERVE);
  expect(allocatedBytes, 'bytes of malloc').toBeLessThan(expected.bytes + BYTES_RESERVE);
}

describe('a request on a connection that stays open costs', () => {
  it('one recv and one send, two calls into the addon and one block of malloc', async () => {
    const costs = await costsOf('http', [], EXCHANGES, (server) => request(server));
    expect(ownCalls(costs)).toEqual({ epoll_wait: 1, recv: 1, send: 1 });
    expect(costs.crossings).toEqual({ recv: 1, send: 1 });
    expectAllocated(costs, { heapBytes: 800, blocks: 1, bytes: 24 }, 1);
  });

  it('the same over TLS 1.3, and what OpenSSL allocates for two records', async () => {
    const costs = await costsOf('http', ['--tls'], EXCHANGES, (server) => request(server, '/', true));
    expect(ownCalls(costs)).toEqual({ epoll_wait: 1, recv: 1, send: 1 });
    expect(costs.crossings).toEqual({ 'TlsSession.read': 1, 'TlsSession.write': 1 });
    expectAllocated(costs, { heapBytes: 800, blocks: 7, bytes: 33_469 }, 1);
  });
});

describe('a message that comes back costs', () => {
  it('one recv and one send, and four objects or so', async () => {
    const costs = await costsOf('echo', [], EXCHANGES, (server) => message(server, 64));
    expect(ownCalls(costs)).toEqual({ epoll_wait: 1, recv: 1, send: 1 });
    expect(costs.crossings).toEqual({ recv: 1, send: 1 });
    expectAllocated(costs, { heapBytes: 232, blocks: 1, bytes: 24 }, 1);
  });
});

/** Accept, ClientHello, Finished, close_notify: the first finds the socket empty, and what closes reads on to its end. */
const HANDSHAKE_CALLS = {
  accept4: 2,
  epoll_ctl: 2,
  epoll_wait: 4,
  recv: 4,
  send: 2,
  shutdown: 1,
  close: 1,
};

const HANDSHAKE_CROSSINGS = {
  accept: 2,
  'new TlsSession': 1,
  'Epoll.add': 1,
  'TlsSession.handshake': 3,
  'TlsSession.outcome': 1,
  'TlsSession.read': 1,
  'TlsSession.shutdown': 1,
  'TlsSession.close': 1,
  shutdownWrite: 1,
  'Epoll.remove': 1,
  close: 1,
};

describe('a connection that shakes hands and goes costs', () => {
  it('19 system calls and 14 calls into the addon with a full handshake of TLS 1.3', async () => {
    const costs = await costsOf('echo', ['--tls'], HANDSHAKES, fullHandshake);
    expect(ownCalls(costs)).toEqual({ ...HANDSHAKE_CALLS, getpid: 3 });
    expect(costs.crossings).toEqual(HANDSHAKE_CROSSINGS);
    expectAllocated(
      costs,
      {
        heapBytes: 9_315,
        blocks: 255,
        bytes: 230_821,
      },
      4,
    );
  });

  it('one of them less with a resumed one', async () => {
    const costs = await costsOf('echo', ['--tls'], HANDSHAKES, resumedHandshake);
    expect(ownCalls(costs)).toEqual({ ...HANDSHAKE_CALLS, getpid: 2 });
    expect(costs.crossings).toEqual(HANDSHAKE_CROSSINGS);
    expectAllocated(
      costs,
      {
        heapBytes: 9_315,
        blocks: 196,
        bytes: 194_204,
      },
      4,
    );
  });
});

describe('a question in between costs such a connection', () => {
  it('one recv, and one send for the ticket and the answer', async () => {
    const costs = await costsOf('echo', ['--tls'], HANDSHAKES, answeredHandshake);
    const { epoll_wait, recv, send } = HANDSHAKE_CALLS;
    expect(ownCalls(costs)).toMatchObject({ epoll_wait: epoll_wait + 1, recv: recv + 1, send: send + 1 });
    expect(costs.crossings).toEqual({
      ...HANDSHAKE_CROSSINGS,
      'TlsSession.read': 2,
      'TlsSession.write': 1,
    });
  });
});

describe('a file of a mebibyte costs', () => {
  const MEBIBYTE = 2 ** 20;
  const LONG_AGO = new Date('2020-01-01');
  const folderOf = () => {
    const root = temporaryFolder();
    const path = join(root, 'file.bin');
    writeFileSync(path, Buffer.alloc(MEBIBYTE, 'f'));
    // What has just changed may change again, and nothing is remembered of it.
    utimesSync(path, LONG_AGO, LONG_AGO);
    return ['--root', root];
  };

  it('three system calls besides those for the bytes, which the kernel takes in as many pieces as it has room for', async () => {
    const costs = await costsOf('files', folderOf(), FILES, (server) => file(server, '/file.bin'));
    const { sendfile: _pieces, epoll_wait: _waits, epoll_ctl: _arming, ...others } = ownCalls(costs);
    expect(others).toEqual({ recv: 1, statx: 1, send: 1 });
    // What the kernel had no room for at first is sent by itself.
    const { sendFile: _rest, 'Epoll.modify': _modified, ...calls } = costs.crossings;
    expect(calls).toEqual({ recv: 1, isSameFile: 1, sendWithFile: 1 });
    expectAllocated(costs, { heapBytes: 4_851, blocks: 2, bytes: 40 }, 1);
  });

  it('over TLS four reads out of the page cache, and a send for each besides the one of the head', async () => {
    const flags = [...folderOf(), '--tls'];
    const costs = await costsOf('files', flags, FILES, (server) => file(server, '/file.bin', true));
    const { send = 0, epoll_wait: _waits, epoll_ctl: _arming, ...others } = ownCalls(costs);
    expect(others).toEqual({ recv: 1, statx: 1, preadv64v2: 4 });
    // More where the kernel had no room for a chunk.
    expect(send).toBeGreaterThanOrEqual(5);
    const { 'TlsSession.write': write, 'Epoll.modify': _modified, ...calls } = costs.crossings;
    expect(calls).toEqual({ 'TlsSession.read': 1, isSameFile: 1, readCached: 4 });
    expect(write).toBeGreaterThanOrEqual(5);
    expectAllocated(
      costs,
      {
        heapBytes: 6_987,
        blocks: 264,
        bytes: 1_101_581,
      },
      1,
    );
  });
});
