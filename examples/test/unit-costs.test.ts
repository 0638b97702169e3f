/**
 * What a unit of work costs a server, counted in the example programs as they stand: system calls, calls into the addon,
 * and what is allocated. No clock is looked at, so the figures are the same on a busy machine.
 *
 * Rule: system calls and calls into the addon are exact, and what is allocated has a bound with a small reserve. Whoever
 * changes a figure upwards says in its commit what for; `npm run bench -- profile` shows where it comes from.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import {
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

const EXCHANGES: UnitPlan = { warmUp: 3_000, units: 200, windows: 5 };
const HANDSHAKES: UnitPlan = { warmUp: 300, units: 20, windows: 5 };
const FILES: UnitPlan = { warmUp: 500, units: 20, windows: 5 };

/** At most, of one unit. */
interface Bounds {
  /** Of JavaScript, in bytes. Nodes differ, and so does what V8 has compiled when: a tenth is for that. */
  readonly heapBytes: number;
  /** Of malloc(3), in blocks and bytes. */
  readonly allocations: number;
  readonly allocatedBytes: number;
}

/** The costs of a unit at `examples/NAME.ts`, started with `flags`. */
async function costsOf(
  name: string,
  flags: readonly string[],
  plan: UnitPlan,
  unitOf: (server: CountedServer) => Unit | Promise<Unit>,
): Promise<UnitCosts> {
  const server = await CountedServer.start(TYPESCRIPT, join(ROOT, 'examples', `${name}.ts`), flags);
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

function expectAtMost(costs: UnitCosts, bounds: Bounds): void {
  const { heapBytes, allocations, allocatedBytes } = costs;
  const over = Object.entries({ heapBytes, allocations, allocatedBytes }).filter(
    ([name, value]) => value > bounds[name as keyof Bounds],
  );
  expect(Object.fromEntries(over), `more than ${JSON.stringify(bounds)}`).toEqual({});
}

describe('a request on a connection that stays open costs', () => {
  it('one recv and one send, two calls into the addon and one block of malloc', async () => {
    const costs = await costsOf('http', [], EXCHANGES, (server) => request(server));
    expect(ownCalls(costs)).toEqual({ epoll_wait: 1, recv: 1, send: 1 });
    expect(costs.crossings).toEqual({ recv: 1, send: 1 });
    expectAtMost(costs, { heapBytes: 720, allocations: 1.1, allocatedBytes: 64 });
  });

  it('the same over TLS 1.3, and what OpenSSL allocates for two records', async () => {
    const costs = await costsOf('http', ['--tls'], EXCHANGES, (server) => request(server, '/', true));
    expect(ownCalls(costs)).toEqual({ epoll_wait: 1, recv: 1, send: 1 });
    expect(costs.crossings).toEqual({ 'TlsSession.read': 1, 'TlsSession.write': 1 });
    expectAtMost(costs, { heapBytes: 720, allocations: 7.2, allocatedBytes: 34_000 });
  });
});

describe('a message that comes back costs', () => {
  it('one recv and one send, and hardly an object', async () => {
    const costs = await costsOf('echo', [], EXCHANGES, (server) => message(server, 64));
    expect(ownCalls(costs)).toEqual({ epoll_wait: 1, recv: 1, send: 1 });
    expect(costs.crossings).toEqual({ recv: 1, send: 1 });
    expectAtMost(costs, { heapBytes: 88, allocations: 1.1, allocatedBytes: 64 });
  });
});

/** Accept, ClientHello, Finished, close_notify: each finds the socket empty once, but for the last. */
const HANDSHAKE_CALLS = {
  accept4: 2,
  epoll_ctl: 2,
  epoll_wait: 4,
  recv: 6,
  send: 2,
  shutdown: 1,
  close: 1,
};

const HANDSHAKE_CROSSINGS = {
  accept: 2,
  'new TlsSession': 1,
  'Epoll.add': 1,
  'TlsSession.handshake': 3,
  'TlsSession.resumed': 1,
  'TlsSession.resumption': 1,
  'TlsSession.earlyData': 1,
  'TlsSession.renegotiations': 2,
  'TlsSession.read': 2,
  'TlsSession.shutdown': 1,
  'TlsSession.close': 1,
  shutdownWrite: 1,
  'Epoll.remove': 1,
  close: 1,
};

describe('a connection that shakes hands and goes costs', () => {
  it('21 system calls and 19 calls into the addon with a full handshake of TLS 1.3', async () => {
    const costs = await costsOf('echo', ['--tls'], HANDSHAKES, fullHandshake);
    expect(ownCalls(costs)).toEqual({ ...HANDSHAKE_CALLS, getpid: 3 });
    expect(costs.crossings).toEqual(HANDSHAKE_CROSSINGS);
    expectAtMost(costs, { heapBytes: 6_200, allocations: 610, allocatedBytes: 310_000 });
  });

  it('one of them less with a resumed one', async () => {
    const costs = await costsOf('echo', ['--tls'], HANDSHAKES, resumedHandshake);
    expect(ownCalls(costs)).toEqual({ ...HANDSHAKE_CALLS, getpid: 2 });
    expect(costs.crossings).toEqual(HANDSHAKE_CROSSINGS);
    expectAtMost(costs, { heapBytes: 6_200, allocations: 616, allocatedBytes: 280_000 });
  });
});

describe('a file of a mebibyte costs', () => {
  const MEBIBYTE = 2 ** 20;
  const folderOf = () => {
    const root = temporaryFolder();
    writeFileSync(join(root, 'file'), Buffer.alloc(MEBIBYTE, 'f'));
    return ['--root', root];
  };

  it('nine system calls besides the bytes, which the kernel takes in as many pieces as it has room for', async () => {
    const costs = await costsOf('files', folderOf(), FILES, (server) => file(server, '/file'));
    const { sendfile = 0, epoll_wait: _waits, epoll_ctl: _arming = 0, ...others } = ownCalls(costs);
    expect(others).toEqual({ recv: 1, openat2: 1, statx: 2, send: 1, rt_sigprocmask: 2 * sendfile, close: 1 });
    const { sendFile, 'Epoll.modify': _modified, ...calls } = costs.crossings;
    expect(calls).toEqual({ recv: 1, openFile: 1, send: 1, closeFile: 1 });
    expect(sendFile).toBeGreaterThanOrEqual(1);
    expectAtMost(costs, { heapBytes: 6_700, allocations: 4, allocatedBytes: 2_000 });
  });
});
