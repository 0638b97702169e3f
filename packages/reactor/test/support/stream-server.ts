/** Servers and clients for the tests of streams: real sockets, all of which are gone after each test. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { afterEach, beforeEach, expect } from 'vitest';
import {
  createReactor,
  type Protocol,
  type Reactor,
  type ReactorOptions,
  type Server,
} from '../../src/index.ts';
import { openSockets } from './descriptors.ts';

export interface StreamServer {
  readonly reactor: Reactor;
  readonly server: Server;
  /** What hooks and handlers threw. */
  readonly errors: Error[];
}

const leaving: (() => unknown)[] = [];

/** Runs when the test is over, before it is looked for what is left. */
export function afterwards(leave: () => unknown): void {
  leaving.push(leave);
}

/** A server of `protocol`. */
export async function serving<State>(
  protocol: Protocol<State>,
  options: ReactorOptions = {},
): Promise<StreamServer> {
  const errors: Error[] = [];
  const reactor = createReactor({ poisonReads: true, onError: (error) => errors.push(error), ...options });
  afterwards(() => reactor.shutdown({ deadlineMs: 0 }).catch(() => {}));
  const server = await reactor.listen({ host: '127.0.0.1', port: 0 }, protocol);
  return { reactor, server, errors };
}

/** A socket of Node's to `server`, which may half-close and whose errors are nobody's. */
export async function socketTo(server: Server): Promise<Socket> {
  const socket = connect({ host: '127.0.0.1', port: server.address()!.port, allowHalfOpen: true });
  socket.on('error', () => {});
  afterwards(() => socket.destroy());
  await once(socket, 'connect');
  return socket;
}

/** All that comes until the other side ends. */
export async function textOf(socket: Socket): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of socket.iterator({ destroyOnReturn: false })) chunks.push(chunk as Buffer);
  return String(Buffer.concat(chunks));
}

/** A promise, and what settles it. */
export function promised<T = void>(): { readonly promise: Promise<T>; readonly resolve: (value: T) => void } {
  let settle: (value: T) => void = () => {};
  const promise = new Promise<T>((resolve) => {
    settle = resolve;
  });
  return { promise, resolve: (value) => settle(value) };
}

/** Holds each test of a file to it: no rejection goes unhandled, and no socket or epoll descriptor stays open. */
export function leavesNothingBehind(): void {
  let unhandled: unknown[] = [];
  let before: string[] = [];
  const note = (reason: unknown) => void unhandled.push(reason);

  beforeEach(() => {
    unhandled = [];
    before = openSockets();
    process.on('unhandledRejection', note);
  });

  afterEach(async () => {
    for (const leave of leaving.splice(0).reverse()) await leave();
    // Rejections are told, and handles closed, when the turn is over; what stays open stays so for any number of turns.
    for (let turn = 0; turn < 200; turn += 1) {
      await nextTurn();
      if (turn > 2 && openSockets().length === before.length) break;
    }
    process.off('unhandledRejection', note);
    expect(unhandled).toEqual([]);
    expect(openSockets()).toEqual(before);
  });
}
